import { describe, expect, test } from 'vitest'
import { SurgeDetector as Trailing } from '../../bench/quota/surge.js'
import { SurgeDetector as Simulated, surgeMinimum } from '../../src/simulator/metering/surge-detector.js'
import { isLong } from '../support/long.js'
import { surge, WindowDetector, type Detector, type Shape } from './surging.js'

const RPM = 600
const MINIMUM = surgeMinimum('requests', 5000, { rpm: RPM, tpm: Infinity })

/** The simulator's detector: 5 s compared with the minute before them. */
function simulated(factor: number, minimum: number, countsRejected: boolean): Detector {
  const options = { windowMs: 5000, baselineMs: 60_000, measures: 'requests', factor, minimum, countsRejected } as const
  const detector = new Simulated(options)
  return {
    takes(atMs) {
      const takes = detector.admits(1, atMs)
      if (!takes) detector.record(1, atMs, false)
      return takes
    },
    admit: (atMs) => detector.record(1, atMs, true),
  }
}

const shaped = (shape: Partial<Shape>) => () =>
  new WindowDetector({ shortMs: 5000, longMs: 60_000, factor: 2, always: 12, isWithin: true, ...shape })

const detectors: readonly [name: string, make: () => Detector, most: { episodes: number; share: number }][] = [
  ['twice the rate of the last minute', () => new Trailing(RPM), { episodes: 1, share: 0.97 }],
  ['the simulator’s detector', () => simulated(4, MINIMUM, false), { episodes: 1, share: 0.98 }],
  ['the simulator’s detector, counting refusals', () => simulated(4, MINIMUM, true), { episodes: 1, share: 0.98 }],
  [
    'the simulator’s detector, with half the factor and a low minimum',
    () => simulated(2, 10, false),
    { episodes: 1, share: 0.96 },
  ],
  ['1.5 times the last minute', shaped({ factor: 1.5 }), { episodes: 2, share: 0.94 }],
  ['1.25 times the last minute', shaped({ factor: 1.25 }), { episodes: 3, share: 0.88 }],
  ['twice the last five minutes', shaped({ longMs: 300_000 }), { episodes: 3, share: 0.88 }],
  ['30 s compared with the last minute', shaped({ shortMs: 30_000, always: 40 }), { episodes: 3, share: 0.95 }],
  ['1 s compared with the last minute', shaped({ shortMs: 1000, always: 2 }), { episodes: 2, share: 0.93 }],
  ['twice the last minute, with a low minimum', shaped({ always: 2 }), { episodes: 4, share: 0.88 }],
]

/** One detector of each kind: trailing, the simulator’s, and the one that refuses most. */
const few = [detectors[0]!, detectors[1]!, detectors.at(-1)!]

describe.each(isLong ? detectors : few)('a server with a surge detector (%s)', (_, make, most) => {
  test('refuses few requests of an hour’s backlog, and headgate loses none and uses the quota', async () => {
    const jobs = 60 * RPM
    const { done, lost, refusals, episodes, lastAt, byMinute } = await surge(make(), { jobs })
    expect({ done, lost }).toEqual({ done: jobs, lost: 0 })
    expect(episodes.length).toBeLessThanOrEqual(most.episodes)
    expect(refusals).toBeLessThanOrEqual(2 * most.episodes)
    expect(done / (lastAt * (RPM / 60))).toBeGreaterThan(most.share)
    // After half an hour only the limit binds.
    for (const admitted of byMinute.slice(30, 60)) expect(admitted).toBeGreaterThanOrEqual(RPM - 2)
  })

  test('refuses bursts every 15 minutes less and less often, and headgate loses none', async () => {
    const { lost, episodes } = await surge(make(), { jobs: 300, everyMs: 900_000, times: 32 })
    expect(lost).toBe(0)
    const half = (8 * 3600) / 2
    expect(episodes.filter((atS) => atS > half).length).toBeLessThanOrEqual(7)
    expect(episodes.length).toBeLessThanOrEqual(16)
  })
})

test('hundreds of requests that a surge detector refuses together are not refused again', async () => {
  for (const make of [() => new Trailing(RPM), () => simulated(4, MINIMUM, false), shaped({ always: 5 })]) {
    const options = { startFull: true, maxRetries: 2 }
    const { done, lost, refusals, episodes } = await surge(make(), { jobs: 600, options })
    expect({ done, lost }).toEqual({ done: 600, lost: 0 })
    expect(refusals).toBeGreaterThan(500)
    expect(refusals).toBeLessThan(610)
    expect(episodes.length).toBeLessThanOrEqual(3)
  }
})
