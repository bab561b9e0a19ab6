import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { setup, type Sent } from '../dispatch/setup.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'

const takesAll = [{ returns: '' }]

/** Tenants that wait all the time, each with as many jobs as it can start meanwhile. */
interface Backlog {
  readonly tpm: number
  readonly rpm: number
  readonly perSecond: boolean
  readonly maxBackfillDelayMs: number
  readonly weights: readonly number[]
  /** Sizes of the jobs of each tenant, as shares of its largest; they come round again. */
  readonly sizes: readonly (readonly number[])[]
}

function backlog(weight: fc.Arbitrary<number>): fc.Arbitrary<Backlog> {
  const size = fc.double({ min: 0.05, max: 1, noNaN: true })
  const tenants = fc.array(fc.tuple(weight, fc.array(size, { minLength: 1, maxLength: 7, size: 'max' })), {
    minLength: 2,
    maxLength: 5,
    size: 'max',
  })
  const limits = fc.record({
    tpm: fc.integer({ min: 2000, max: 1_000_000 }),
    // Seldom, sometimes and always the scarcer of the two.
    rpm: fc.constantFrom(10, 40, 1000),
    perSecond: fc.boolean(),
    maxBackfillDelayMs: fc.constantFrom(0, 500, 2000, 20_000),
  })
  return fc.tuple(limits, tenants).map(([limits, tenants]) => ({
    ...limits,
    weights: tenants.map(([weight]) => weight),
    sizes: tenants.map(([, sizes]) => sizes),
  }))
}

/** The shares of the scarcest limit, by weight, that tenants had after each start of one of theirs. */
async function shared(
  { tpm, rpm, perSecond, maxBackfillDelayMs, weights, sizes }: Backlog,
  minutes: number,
  part: number,
) {
  const byName = Object.fromEntries(weights.map((weight, i) => [`${i}`, weight]))
  const { clock, limiter, send, sent } = setup({
    limits: { a: { tpm, rpm } },
    perSecond,
    maxBackfillDelayMs,
    tenantWeights: byName,
  })
  const sizeOf = (tenant: number, n: number) => Math.ceil(tpm * part * sizes[tenant]![n % sizes[tenant]!.length]!)
  const shareOf = (tokens: number) => Math.max(tokens / tpm, 1 / rpm)
  limiter.pause()
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  for (const [i, weight] of weights.entries()) {
    // A minute may hold twice as much in shares: of requests for one, of tokens for another.
    let left = 2 + (2.2 * (minutes + 1) * weight) / all
    for (let n = 0; left > 0; n++) {
      const size = sizeOf(i, n)
      left -= shareOf(size)
      send({ model: 'a', tokens: size, tenant: `${i}` }, `${i} ${size} ${n}`, takesAll, 0)
    }
  }
  limiter.resume()
  await clock.advance(minutes * 60_000)
  await limiter.close({ abandon: true })
  const had = weights.map(() => 0)
  const most = Math.max(
    ...weights.map((weight, i) => Math.max(...sizes[i]!.map((_, n) => shareOf(sizeOf(i, n)))) / weight),
  )
  let spread = 0
  for (const { name } of sent) {
    const [tenant, size] = name.split(' ').map(Number) as [number, number]
    had[tenant]! += shareOf(size) / weights[tenant]!
    spread = Math.max(spread, Math.max(...had) - Math.min(...had))
  }
  return { had, spread, most, overtaken: mostOvertaken(sent, (tenant, size) => shareOf(size) / weights[tenant]!) }
}

/** The most that of one tenant started before an earlier one of its own, by weight. */
function mostOvertaken(sent: readonly Sent[], weighed: (tenant: number, size: number) => number): number {
  const started = sent.map(({ name }) => name.split(' ').map(Number) as [tenant: number, size: number, order: number])
  const sums = started.map(([tenant, , order], i) =>
    started
      .slice(0, i)
      .filter(([other, , later]) => other === tenant && later > order)
      .reduce((sum, [, size]) => sum + weighed(tenant, size), 0),
  )
  return Math.max(...sums)
}

/** (Σx)² ÷ (n Σx²): 1 where all have the same. */
function jain(shares: readonly number[]): number {
  const sum = shares.reduce((all, share) => all + share, 0)
  return sum ** 2 / (shares.length * shares.reduce((all, share) => all + share ** 2, 0))
}

// With a maxBackfillDelayMs of Infinity one whose head never fits waits for ever while the others' small jobs go on.
describe('tenants that wait all the time, whatever is packed within a finite maxBackfillDelayMs', () => {
  // A head that waits keeps its turn while smaller ones of its own tenant overtake it and are charged to that.
  test('are at no time further apart than the largest job of each, by weight, and what of one overtook its own head', async () => {
    const weight = fc.constantFrom(0.5, 1, 1, 2, 5)
    await fc.assert(
      fc.asyncProperty(backlog(weight), async (backlog) => {
        const { spread, most, overtaken } = await shared(backlog, 4, 0.3)
        expect(spread).toBeLessThanOrEqual(2 * most + overtaken + 1e-9)
      }),
      runs(cases(40, 400)),
    )
  })

  test('are no further apart than the largest job of each where those of one are equal: none overtakes its own', async () => {
    await fc.assert(
      fc.asyncProperty(backlog(fc.constantFrom(0.5, 1, 1, 2, 5)), async (backlog) => {
        const sizes = backlog.sizes.map(([first]) => [first!])
        const { spread, most } = await shared({ ...backlog, sizes }, 4, 0.3)
        expect(spread).toBeLessThanOrEqual(2 * most + 1e-9)
      }),
      runs(cases(40, 400)),
    )
  })

  test('have the same in a long run where they are equal: Jain’s index is 0.99 or more', async () => {
    await fc.assert(
      fc.asyncProperty(backlog(fc.constant(1)), async (backlog) => {
        const { had } = await shared(backlog, 20, 0.2)
        expect(jain(had)).toBeGreaterThanOrEqual(0.99)
      }),
      runs(cases(15, 150)),
    )
  })

  test('have what their weights say within 5 % in a long run', async () => {
    await fc.assert(
      fc.asyncProperty(backlog(fc.constantFrom(1, 2, 4)), async (backlog) => {
        const { had } = await shared(backlog, 30, 0.05)
        const mean = had.reduce((sum, share) => sum + share, 0) / had.length
        for (const share of had) expect(Math.abs(share / mean - 1)).toBeLessThanOrEqual(0.05)
      }),
      runs(cases(5, 60)),
    )
  })
})
