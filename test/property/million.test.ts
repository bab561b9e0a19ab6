import { expect, test } from 'vitest'
import type { Reservation } from '../../src/quota/reservation.js'
import type { Row } from '../support/oracle.js'
import { cases } from '../support/long.js'
import { seeded } from '../support/seeded.js'
import { gateOf, tokens } from './traffic.js'

const MINUTE_US = 60_000_000
const SECOND_US = 1_000_000
/** A million in `npm run test:long`. */
const ADMISSIONS_EACH = cases(2000, 17_500)

interface Log {
  readonly at: Float64Array
  readonly requests: Float64Array
  /** As used in the end. */
  readonly tokens: Float64Array
}

/** Sends as much as the gate lets through, with gaps now and then; most are settled below what they reserved. */
function saturate(row: Row, jitterUs: number, largest: number, seed: number): Log {
  const random = seeded(seed)
  const gate = gateOf(row, jitterUs, 0)
  const at = new Float64Array(ADMISSIONS_EACH)
  const used = new Float64Array(ADMISSIONS_EACH)
  const open: { reservation: Reservation; index: number }[] = []
  let us = 0
  for (let index = 0; index < ADMISSIONS_EACH; index++) {
    if (random() < 0.002) us += Math.floor(random() * 2 * MINUTE_US)
    const cost = tokens(Math.max(1, Math.ceil(largest * random() ** 3)))
    const answer = gate.earliest(cost, us / 1000)
    if (answer.kind === 'not-before') us = Math.max(us, Math.round(answer.at * 1000))
    const reservation = gate.admit(cost, us / 1000)
    if (reservation.kind !== undefined) throw new Error(`refused at the time that was named: ${reservation.kind}`)
    at[index] = us
    used[index] = cost.inputTokens
    open.push({ reservation, index })
    while (open.length > 0 && random() < 0.6) {
      const last = open.length - 1
      const pick = Math.floor(random() * open.length)
      const settled = open[pick]!
      open[pick] = open[last]!
      open.pop()
      const reserved = settled.reservation.cost.inputTokens
      used[settled.index] = Math.round(reserved * random())
      gate.settle(settled.reservation, tokens(used[settled.index]!), us / 1000)
    }
  }
  return { at, requests: new Float64Array(ADMISSIONS_EACH).fill(1), tokens: used }
}

/** The largest sum in any (t, t + span], but for one amount above `limit` that stands there alone. */
function fullest(at: Float64Array, amounts: Float64Array, spanUs: number, limit: number): number {
  let first = 0
  let sum = 0
  let most = 0
  for (let last = 0; last < at.length; last++) {
    sum += amounts[last]!
    for (; at[first]! <= at[last]! - spanUs; first++) sum -= amounts[first]!
    const isAlone = sum === amounts[last] && sum > limit
    if (sum > most && !isAlone) most = sum
  }
  return most
}

/** Whether any span τ holds more than rτ + `depthUs` × r, with `perMinute` = r; charges above `large` are not looked at. */
function outruns(at: Float64Array, amounts: Float64Array, perMinute: number, depthUs: number, large: number): boolean {
  const rate = BigInt(perMinute)
  const depth = rate * BigInt(depthUs)
  let level = 0n
  let filledAt = at[0]!
  for (let i = 0; i < at.length; i++) {
    level -= BigInt(at[i]! - filledAt) * rate
    if (level < 0n) level = 0n
    filledAt = at[i]!
    if (amounts[i]! > large) continue
    level += BigInt(amounts[i]!) * BigInt(MINUTE_US)
    if (level > depth) return true
  }
  return false
}

/** The largest sum that a second may hold: whole requests, one more where a few and a fraction are spaced evenly. */
function secondOf(perMinute: number, isSpaced: boolean): number {
  return Math.max(1, isSpaced ? Math.ceil(perMinute / 60) : Math.floor(perMinute / 60))
}

const rows: Row[] = [true, false].flatMap((perSecond) => [
  { rpm: 1, perSecond },
  { rpm: 10, perSecond },
  { rpm: 60, perSecond },
  { rpm: 100, perSecond },
  { rpm: 150, perSecond },
  { rpm: 600, tpm: 100_000, perSecond },
  { rpm: 1000, tpm: 1_000_003, perSecond },
  { rpm: 30_000, tpm: 5_000_000, perSecond },
  { tpm: 60, perSecond },
  { tpm: 100_000, perSecond },
  { tpm: 1_000_000_000, perSecond },
])

test('admissions without end, over many limits and sizes, overshoot no window', () => {
  let admissions = 0
  for (const [i, row] of rows.entries()) {
    for (const [j, jitterUs] of [0, 50_000, 300_000].entries()) {
      const { rpm, tpm, perSecond } = row
      // Small requests, so that many stand in a window, or some that exceed a second's tokens.
      const largest = tpm === undefined ? 1000 : Math.min(tpm, Math.ceil(tpm / [600, 100, 20][j]!))
      const log = saturate(row, jitterUs, largest, i * 3 + j + 1)
      admissions += log.at.length
      for (const windowUs of perSecond ? [MINUTE_US, SECOND_US] : [MINUTE_US]) {
        const minute = windowUs === MINUTE_US
        const spanUs = windowUs + jitterUs
        const what = `${JSON.stringify(row)}, ${windowUs} µs`
        if (rpm !== undefined) {
          const limit = minute ? rpm : secondOf(rpm, rpm < 180 && rpm % 60 !== 0)
          expect(fullest(log.at, log.requests, spanUs, limit), `requests of ${what}`).toBeLessThanOrEqual(limit)
        }
        if (tpm === undefined) continue
        const limit = minute ? tpm : secondOf(tpm, false)
        expect(fullest(log.at, log.tokens, spanUs, limit), `tokens of ${what}`).toBeLessThanOrEqual(limit)
        const depthUs = windowUs - jitterUs
        const large = Math.floor((tpm * depthUs) / MINUTE_US)
        expect(outruns(log.at, log.tokens, tpm, depthUs, large), `pace of ${what}`).toBe(false)
      }
    }
  }
  expect(admissions).toBeGreaterThanOrEqual(cases(100_000, 1_000_000))
})
