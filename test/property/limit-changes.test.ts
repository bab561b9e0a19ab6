import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Reservation } from '../../src/quota/reservation.js'
import { ModelGate } from '../../src/quota/model-gate.js'
import { countedIn, type Entry, limitOracles, type Row, sumWithin } from '../support/oracle.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'
import { amountOf, jitter, limitsOf, profileOf, type Step, tokens, traffic } from './traffic.js'

const FIRST_ROW = { rpm: 600, tpm: 60_000, perSecond: true }

interface Change {
  readonly before: number
  readonly row: Row
}

const row: fc.Arbitrary<Row> = fc.record({
  rpm: fc.constantFrom(10, 100, 150, 300, 600, 3000),
  tpm: fc.constantFrom(600, 6000, 50_000, 60_000, 600_000, 100_000_000),
  perSecond: fc.boolean(),
})
/** Also rows that lack a limit, which then comes anew. */
const anyRow: fc.Arbitrary<Row> = fc.oneof(
  { arbitrary: row, weight: 4 },
  { arbitrary: row.map(({ rpm, perSecond }) => ({ rpm: rpm!, perSecond })), weight: 1 },
  { arbitrary: row.map(({ tpm, perSecond }) => ({ tpm: tpm!, perSecond })), weight: 1 },
)
const changesOf = (row: fc.Arbitrary<Row>): fc.Arbitrary<Change[]> =>
  fc.array(fc.record({ before: fc.nat(80), row }), { minLength: 1, maxLength: 8 })

interface Charge {
  readonly at: number
  readonly reservation: Reservation
  used: number
  readonly entries: Map<string, Entry>
}

/**
 * Leads a gate through traffic while its limits change; keeps the log of each limit's window beside it, from when the
 * limit came on, and holds the gate to it.
 */
function run(
  steps: readonly Step[],
  changes: readonly Change[],
  jitterUs: number,
): { log: Charge[]; rows: [number, Row][] } {
  let current: Row = FIRST_ROW
  const options = {
    limits: limitsOf(current),
    profile: profileOf('unknown'),
    networkJitterMs: jitterUs / 1000,
    idleSince: 0,
  }
  const gate = new ModelGate(options, 0)
  const logs = new Map<string, Entry[]>()
  const rows: [number, Row][] = [[0, current]]
  const log: Charge[] = []
  const open: Charge[] = []
  let us = 0

  const limitsNow = (): { name: string; oracle: ReturnType<typeof limitOracles>[0] }[] =>
    limitOracles(current, jitterUs, 0).map((oracle) => {
      const second = oracle.window.spanUs < 30_000_000
      return {
        name: (second ? { requests: 'rps', tokens: 'tps' } : { requests: 'rpm', tokens: 'tpm' })[oracle.counts],
        oracle,
      }
    })
  const keepLogs = (): void => {
    const names = limitsNow().map(({ name }) => name)
    for (const name of logs.keys()) if (!names.includes(name)) logs.delete(name)
    for (const name of names) if (!logs.has(name)) logs.set(name, [])
  }
  keepLogs()

  for (const [i, step] of steps.entries()) {
    for (const change of changes) {
      if (change.before !== i) continue
      current = change.row
      rows.push([us, current])
      gate.setLimits(limitsOf(current), us / 1000)
      keepLogs()
    }
    if (step.does === 'idle') us += step.us
    if (step.does === 'settle' && open.length > 0) {
      const [charge] = open.splice(step.which % open.length, 1)
      charge!.used = Math.round(charge!.used * step.share)
      gate.settle(charge!.reservation, tokens(charge!.used), us / 1000)
      for (const name of ['tpm', 'tps']) {
        const entry = charge!.entries.get(name)
        if (entry !== undefined) entry.amount = charge!.used
      }
    }
    if (step.does === 'ask') {
      const cost = tokens(amountOf(step.size, current))
      const answer = gate.earliest(cost, us / 1000)
      if (answer.kind !== 'not-before') throw new Error(answer.kind)
      expect(answer.at).toBeLessThan(Infinity)
      if (step.waits) us = Math.max(us, Math.round(answer.at * 1000))
      const reservation = gate.admit(cost, us / 1000)
      if (reservation.kind === undefined) {
        const charge: Charge = { at: us, reservation, used: cost.inputTokens, entries: new Map() }
        for (const { name, oracle } of limitsNow()) {
          const amount = countedIn(cost, oracle.counts)
          const { limit, spanUs, takesLargeAlone } = oracle.window
          const before = sumWithin(logs.get(name)!, us, spanUs)
          expect(before === 0 && takesLargeAlone ? 0 : before + amount, name).toBeLessThanOrEqual(limit)
          const entry = { at: us, amount }
          logs.get(name)!.push(entry)
          charge.entries.set(name, entry)
        }
        log.push(charge)
        open.push(charge)
      }
    }
    for (const { name, oracle } of limitsNow()) {
      const used = gate.room(us / 1000).find(({ limit }) => limit === name)?.used
      expect(used, name).toBe(sumWithin(logs.get(name)!, us, oracle.window.spanUs))
    }
  }
  return { log, rows }
}

describe('while limits change in mid-flight', () => {
  test('no window exceeds the limit in force, and each holds exactly what was charged since its limit came', () => {
    fc.assert(
      fc.property(traffic({ maxLength: 90 }), changesOf(anyRow), jitter, (steps, changes, jitterUs) => {
        run(steps, changes, jitterUs)
      }),
      runs(cases(80, 400)),
    )
  })

  test('no span holds more than the deepest bucket and the fastest rate in force during it allow', () => {
    fc.assert(
      fc.property(traffic({ maxLength: 90 }), changesOf(row), (steps, changes) => {
        const jitterUs = 50_000
        const { log, rows } = run(steps, changes, jitterUs)
        for (let first = 0; first < log.length; first++) {
          let sum = 0
          for (let last = first; last < log.length; last++) {
            sum += log[last]!.used
            const [from, to] = [log[first]!.at, log[last]!.at]
            const inForce = rows.filter(([at], i) => at <= to && (rows[i + 1]?.[0] ?? Infinity) >= from)
            const fastest = Math.max(...inForce.map(([, { tpm }]) => tpm!))
            const allowed = (fastest * (60_000_000 - jitterUs + to - from)) / 60_000_000
            if (last > first && sum > allowed + 1) throw new Error(`${sum} > ${allowed} from ${from} to ${to} µs`)
          }
        }
      }),
      runs(cases(40, 150)),
    )
  })
})
