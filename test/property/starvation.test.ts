import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AGED_AFTER_MS } from '../../src/queue/job-queue.js'
import { setup } from '../dispatch/setup.js'
import { GateOracle } from '../support/oracle.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'
import { tokens } from './traffic.js'

const takesAll = [{ returns: '' }]
/** A timer is set to whole milliseconds. */
const TIMER_MS = 1

interface Stream {
  readonly tpm: number
  readonly perSecond: boolean
  readonly networkJitterMs: number
  readonly maxBackfillDelayMs: number
  /** Between one small job and the next, in ms. */
  readonly gapMs: number
  /** How much more comes than passes. */
  readonly load: number
  /** Of the mean size, twice. */
  readonly sizes: readonly number[]
  /** When the large job comes, in ms. */
  readonly comesAt: number
}

const stream: fc.Arbitrary<Stream> = fc.record({
  tpm: fc.integer({ min: 1000, max: 100_000 }),
  perSecond: fc.boolean(),
  networkJitterMs: fc.constantFrom(0, 50, 300),
  maxBackfillDelayMs: fc.oneof(fc.constantFrom(0, 2000), fc.integer({ min: 0, max: 8000 })),
  gapMs: fc.integer({ min: 1500, max: 6000 }),
  load: fc.double({ min: 1.1, max: 3, noNaN: true }),
  sizes: fc.array(fc.double({ min: 0.2, max: 1, noNaN: true }), { minLength: 1, maxLength: 20, size: 'max' }),
  comesAt: fc.integer({ min: 0, max: 40_000 }),
})

/** Who the large job is, beside the small ones. */
interface Large {
  readonly tenant?: string
  readonly priority?: number
  readonly inWorkspace?: boolean
}

interface Outcome {
  /** When the large job started, in ms. */
  readonly at: number
  /** When it was the next of all, and could have started had nothing gone before it any more. */
  readonly headAt: number
  readonly earliest: number
}

interface Small {
  readonly name: string
  readonly tokens: number
  readonly comesAt: number
}

/** Small jobs without end, more than pass, and one of 90 % of the minute among them. */
async function sendAll(stream: Stream, large: Large): Promise<Outcome> {
  const { tpm, perSecond, networkJitterMs, maxBackfillDelayMs, gapMs, load, sizes, comesAt } = stream
  const options = { limits: { a: { tpm } }, perSecond, networkJitterMs, maxBackfillDelayMs }
  const { clock, limiter, send, sent, server, follow, now } = setup(options)
  const mean = Math.min(tpm / 4, ((tpm * gapMs) / 60_000) * load)
  const all: Small[] = []
  const sendSmall = (): number => {
    const size = Math.max(1, Math.round(2 * mean * sizes[all.length % sizes.length]!))
    const small = { name: `${all.length}`, tokens: size, comesAt: now() }
    all.push(small)
    send({ model: 'a', tokens: size, tenant: 'many' }, small.name, takesAll, 0)
    return size
  }
  // The minute is full from the beginning.
  for (let left = tpm; left > 0;) left -= sendSmall()
  const to = large.inWorkspace === true ? limiter.workspace('w', { a: { tpm } }) : limiter
  const { tenant = 'many', priority } = large
  const amount = Math.ceil(tpm * 0.9)
  const hasStarted = () => sent.some(({ name }) => name === 'large')
  const agedAt = priority === undefined ? comesAt : comesAt + AGED_AFTER_MS
  const lastMs = agedAt + 200_000 + 2 * load * comesAt
  let waiting: Small[] | undefined
  while (now() < lastMs && !hasStarted()) {
    const untilNext = now() + gapMs
    if (waiting === undefined && untilNext > comesAt) {
      await clock.advance(comesAt - now())
      waiting = all.filter(({ name }) => !sent.some((one) => one.name === name))
      follow(to.schedule({ model: 'a', tokens: amount, tenant, priority }, server('large', takesAll, 0)))
    }
    await clock.advance(untilNext - now())
    sendSmall()
  }
  const startOf = (name: string) => sent.find((one) => one.name === name)?.at ?? Infinity
  // Of its own tenant all start before it that came before it; of others the one that was next already, and stays it.
  const isAmongEquals = large.tenant === undefined && large.inWorkspace === undefined
  const first = isAmongEquals ? waiting! : waiting!.slice(0, 1)
  const nextWhenAged = all.filter(({ name, comesAt }) => comesAt < agedAt && startOf(name) >= agedAt).slice(0, 1)
  const before = priority === undefined ? first : nextWhenAged
  const headAt = Math.max(agedAt, ...before.map(({ name }) => startOf(name)))
  const lastBefore = sent.findLastIndex(({ name, at }) => at < headAt || before.some((small) => small.name === name))
  // By lists of what was sent, not by the meters.
  const oracle = new GateOracle({ tpm, perSecond }, networkJitterMs * 1000, -3_600_000_000, true)
  for (const { name, at } of sent.slice(0, lastBefore + 1)) {
    if (name !== 'large') oracle.take(tokens(all[Number(name)]!.tokens), at * 1000)
  }
  const earliest = headAt === Infinity ? Infinity : oracle.earliestUs(tokens(amount), headAt * 1000) / 1000
  return { at: startOf('large'), headAt, earliest }
}

describe('a job of 90 % of a minute, in a stream of small ones, starts no later than maxBackfillDelayMs after it could have when it came to the head', () => {
  test.each<[string, Large, number]>([
    ['of the same tenant', {}, cases(100, 1000)],
    ['of another tenant: it comes to the head after one of them', { tenant: 'one' }, cases(100, 1000)],
    ['from a workspace: it comes to the head after one of the account', { inWorkspace: true }, cases(100, 1000)],
    ['of higher priority: it comes to the head after AGED_AFTER_MS and one of them', { priority: -1 }, cases(40, 300)],
  ])('%s', async (_, large, numRuns) => {
    let waited = 0
    await fc.assert(
      fc.asyncProperty(stream, async (stream) => {
        const { at, earliest } = await sendAll(stream, large)
        expect(at).toBeLessThan(Infinity)
        expect(at).toBeLessThanOrEqual(earliest + stream.maxBackfillDelayMs + TIMER_MS)
        if (at > stream.comesAt + 1000) waited++
      }),
      runs(numRuns),
    )
    expect(waited).toBeGreaterThan(numRuns / 2)
  })
})
