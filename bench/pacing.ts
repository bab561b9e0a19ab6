/**
 * Measures how exactly jobs start when their limits allow it, and whether one starts too early. It runs in real time,
 * and compares Headgate with other libraries.
 */
import { machine, versionOf } from './measure.js'
import { pace, type Paced, type PacingRound } from './pacing-process.js'
import { subjects, type PacingSubject } from './pacing-subjects.js'

/**
 * The goal for the 99th percentile of lateness, in ms. Chosen: above the resolution of 1 ms that Node's timers have.
 */
const GOAL_MS = 2

/**
 * A subject that reaches less than this share of its limit has no lateness: its work delays the starts, not its timer.
 *
 * Chosen: a subject that keeps up reaches nearly all of it.
 */
const KEEPS_UP = 0.9

function median(rounds: readonly PacingRound[], of: keyof PacingRound): number {
  return rounds.map((round) => round[of]).toSorted((a, b) => a - b)[rounds.length >> 1]!
}

function shown(value: number | undefined, width: number, digits = 0): string {
  const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits }
  return (value === undefined || Number.isNaN(value) ? '–' : value.toLocaleString('en', fraction)).padStart(width)
}

function row({ name, rate, networkJitterMs }: PacingSubject, { rounds, inSecond, inSpan }: Paced): string {
  const reached = median(rounds, 'rate')
  const share = (reached * (1000 + networkJitterMs)) / (1000 * rate)
  const keepsUp = share >= KEEPS_UP
  const lateness = (of: 'p50Ms' | 'p99Ms') => shown(keepsUp ? median(rounds, of) : undefined, 8, 2)
  const p99s = rounds.map(({ p99Ms }) => p99Ms)
  const range = keepsUp ? `${Math.min(...p99s).toFixed(2)} – ${Math.max(...p99s).toFixed(2)}` : ''
  const most = keepsUp ? Math.max(...rounds.map(({ mostMs }) => mostMs)) : undefined
  return (
    `  ${name.padEnd(33)}${shown(rate, 7)} ${shown(reached, 9)} ${shown(100 * share, 7, 1)} % ` +
    `${lateness('p50Ms')} ${lateness('p99Ms')} ${range.padStart(13)} ${shown(most, 7, 2)} ` +
    `${shown(inSecond, 9)}${inSecond > rate ? ' !' : '  '} ${shown(inSpan, 9)}${(inSpan ?? 0) > rate ? ' !' : ''}`
  )
}

console.log(
  `${machine()}\nheadgate and ${['p-throttle', 'p-queue', 'bottleneck'].map(versionOf).join(', ')}; each in its own process, one after another; ` +
    `one period to warm up, then medians of periods of 1 s + J; tens of thousands of no-op jobs wait throughout`,
)
console.log(
  `lateness: ms since the earlier starts allowed this one; below 0: too early (goal: p99 ≤ ${GOAL_MS}); !: more than the limit\n`,
)
console.log(
  `  ${''.padEnd(33)}${'limit'.padStart(7)} ${'starts'.padStart(9)} ${'share of'.padStart(9)} ` +
    `${'lateness'.padStart(8)} ${''.padStart(8)} ${'p99 min'.padStart(13)} ${''.padStart(7)} ${'max in'.padStart(9)}   ${'charged in'.padStart(9)}`,
)
console.log(
  `  ${''.padEnd(33)}${'per s'.padStart(7)} ${'per s'.padStart(9)} ${'the limit'.padStart(9)} ` +
    `${'p50'.padStart(8)} ${'p99'.padStart(8)} ${'– max'.padStart(13)} ${'max'.padStart(7)} ${'any 1 s'.padStart(9)}   ${'1 s + J'.padStart(9)}`,
)
for (const [index, subject] of subjects.entries()) console.log(row(subject, await pace(index)))
process.exit(0)
