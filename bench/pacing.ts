/** How near jobs start to the moment that their limits allow, and whether ever before it: in real time, beside the peers. */
import { machine, versionOf } from './measure.js'
import { pace, type Paced, type PacingRound } from './pacing-process.js'
import { subjects, type PacingSubject } from './pacing-subjects.js'

const GOAL_MS = 2

/** Below this share of its rate it is not the timer that is late, and lateness has no meaning. */
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
  `${machine()}\nheadgate beside ${['p-throttle', 'p-queue', 'bottleneck'].map(versionOf).join(', ')}; each in a process of its own, one after another; ` +
    `a second to run in, then medians of rounds of 1 s + J; tens of thousands of no-op jobs wait throughout`,
)
console.log(
  `lateness: ms since the envelope allowed the start, by the starts before it; below 0: too early (goal: p99 ≤ ${GOAL_MS}); !: more than the limit\n`,
)
console.log(
  `  ${''.padEnd(33)}${'limit'.padStart(7)} ${'starts'.padStart(9)} ${'of what'.padStart(9)} ` +
    `${'lateness'.padStart(8)} ${''.padStart(8)} ${'p99 least'.padStart(13)} ${''.padStart(7)} ${'most in'.padStart(9)}   ${'charged in'.padStart(9)}`,
)
console.log(
  `  ${''.padEnd(33)}${'a s'.padStart(7)} ${'a s'.padStart(9)} ${'it allows'.padStart(9)} ` +
    `${'p50'.padStart(8)} ${'p99'.padStart(8)} ${'– most'.padStart(13)} ${'max'.padStart(7)} ${'any 1 s'.padStart(9)}   ${'1 s + J'.padStart(9)}`,
)
for (const [index, subject] of subjects.entries()) console.log(row(subject, await pace(index)))
process.exit(0)
