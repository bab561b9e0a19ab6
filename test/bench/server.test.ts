import { describe, expect, test } from 'vitest'
import { drive, EventTimeline, START_MS } from '../../bench/quota/clock.js'
import { ServerLimit } from '../../bench/quota/limit.js'
import { OutputCharge, type OutputAccounting } from '../../bench/quota/output-charge.js'
import { seeded } from '../../bench/quota/random.js'
import { SERVER_EPOCH_MS, Server, type ServerRules } from '../../bench/quota/server.js'
import type { Job } from '../../bench/quota/workloads.js'

const JOB: Job = {
  id: 0,
  arrivesMs: 0,
  inputTokens: 100,
  outputTokens: 50,
  maxTokens: 200,
  firstTokenMs: 500,
  tokensPerSecond: 50,
}
/** When the answer of {@link JOB} ends, in ms after its admission. */
const ENDS_MS = 1500

const RULES: ServerRules = {
  rpm: 600,
  tpm: 60_000,
  minute: 'sliding',
  second: 'none',
  charging: 'admission',
  networkJitterMs: 50,
  hasSurgeDetector: false,
  change: { kind: 'unchanged', afterMs: 0 },
  beginsByClock: false,
  tellsArrival: false,
}

function tokens(limit: number, windowMs = 60_000): ServerLimit {
  return new ServerLimit({ counts: 'tokens', limit, windowMs, rule: 'sliding', phaseMs: 0 })
}

/**
 * The amount that counts against a limit of 1,000. It is found by bisection for the smallest amount that is refused.
 */
function usedOf(limit: ServerLimit, atMs: number): number {
  let fits = 0
  let not = 1001
  while (not - fits > 1e-3) {
    const amount = (fits + not) / 2
    if (limit.takes(amount, atMs)) fits = amount
    else not = amount
  }
  return 1000 - fits
}

describe('the charge for output', () => {
  const expected: Readonly<Record<OutputAccounting, readonly number[]>> = {
    admission: [150, 150, 150],
    reserved: [300, 300, 150],
    generated: [100, 125, 150],
    end: [100, 100, 150],
  }
  test.each(Object.entries(expected))(
    'is made at the right time with the rule %s',
    (charging, [atOnce, halfway, atEnd]) => {
      const limit = tokens(1000)
      const output = new OutputCharge(charging as OutputAccounting, [limit])
      output.catchUp(0)
      limit.admit(output.atAdmission(JOB), 0)
      output.began(JOB, 0)
      expect(usedOf(limit, 0)).toBeCloseTo(atOnce!, 1)
      output.catchUp(1000)
      expect(usedOf(limit, 1000)).toBeCloseTo(halfway!, 1)
      output.catchUp(ENDS_MS)
      output.ended(JOB, 0, ENDS_MS)
      expect(usedOf(limit, ENDS_MS)).toBeCloseTo(atEnd!, 1)
      output.catchUp(5000)
      expect(usedOf(limit, 5000)).toBeCloseTo(150, 1)
    },
  )
})

describe('a request larger than a second’s tokens', () => {
  test('is admitted into an empty window, and later requests wait', () => {
    const limit = tokens(100, 1000)
    expect(limit.takes(250, 5000)).toBe(true)
    limit.admit(250, 5000)
    expect(limit.takes(1, 5999)).toBe(false)
    expect(limit.takes(1, 6000)).toBe(true)
    limit.admit(1, 6000)
    expect(limit.takes(250, 6500)).toBe(false)
  })

  test('is admitted while output of other requests is charged', () => {
    const limit = tokens(100, 1000)
    limit.chargeLater(30, 5000)
    expect(limit.takes(250, 5100)).toBe(true)
    expect(limit.takes(90, 5100)).toBe(false)
  })

  test('is refused if it is larger than a whole minute', () => expect(tokens(100).takes(101, 0)).toBe(false))
})

describe('the server', () => {
  async function flood(rules: ServerRules, count: number, distanceMs: number) {
    const timeline = new EventTimeline()
    const server = new Server(rules, timeline, seeded(5, 'server'))
    const answers: unknown[] = []
    for (let id = 0; id < count; id++) {
      timeline.setTimeout(() => {
        server.send({ ...JOB, id }).then(
          (answer) => answers.push(answer),
          (error: unknown) => answers.push(error),
        )
      }, id * distanceMs)
    }
    await drive(timeline, () => answers.length === count)
    return { server, answers }
  }

  test('admits exactly the requests that fit into each minute', async () => {
    const { server } = await flood({ ...RULES, rpm: 50 }, 2000, 97)
    const times = server.admitted.map(({ atMs }) => atMs)
    // 2,000 jobs arrive within 194 s. 50 fit into each of four minutes, and the rest is refused.
    expect(times).toHaveLength(200)
    expect(server.refused).toHaveLength(1800)
    for (const from of times) {
      expect(times.filter((at) => at >= from && at < from + 60_000).length).toBeLessThanOrEqual(50)
    }
    for (const { answeredAtMs } of server.refused) {
      const atMs = answeredAtMs - 20
      expect(times.filter((at) => at <= atMs && at > atMs - 60_000)).toHaveLength(50)
    }
  })

  test('names the refusing limit in the code of the 429', async () => {
    const { answers } = await flood({ ...RULES, rpm: 5 }, 6, 0)
    expect(answers).toContainEqual(
      expect.objectContaining({ status: 429, error: expect.objectContaining({ code: 'limit_requests' }) }),
    )
    const { answers: others } = await flood({ ...RULES, tpm: 600 }, 6, 0)
    expect(others).toContainEqual(
      expect.objectContaining({ status: 429, error: expect.objectContaining({ code: 'insufficient_quota' }) }),
    )
  })

  test('reports when it counted a request, with tellsArrival', async () => {
    const { server, answers } = await flood({ ...RULES, tellsArrival: true }, 1, 0)
    const reported = Number((answers[0] as { headers: Headers }).headers.get('req-arrive-time'))
    const delayMs = (server.admitted[0]?.atMs ?? 0) - START_MS
    expect(delayMs).toBeGreaterThanOrEqual(20)
    expect(delayMs).toBeLessThan(70)
    expect(reported).toBe(Math.floor(SERVER_EPOCH_MS + (server.admitted[0]?.atMs ?? 0)))
  })

  test('refuses a surge although the limits have room, and admits a slower rate', async () => {
    const rules = { ...RULES, tpm: 1e9, hasSurgeDetector: true }
    const { server } = await flood(rules, 100, 150)
    expect(server.refused.some((refused) => refused.class === 'surge')).toBe(true)
    const { server: calm } = await flood(rules, 100, 450)
    expect(calm.refused).toEqual([])
  })

  test('changes its limits or shares them with others, as the row says', async () => {
    const change = { afterMs: 60_000 }
    const admittedBy = async (kind: ServerRules['change']['kind']) => {
      const { server } = await flood({ ...RULES, tpm: 1e9, rpm: 60, change: { ...change, kind } }, 2000, 150)
      return server.admitted.filter(({ atMs }) => atMs > START_MS + 120_000).length / 3
    }
    expect(await admittedBy('unchanged')).toBeCloseTo(60, -1)
    expect(await admittedBy('halved')).toBeCloseTo(30, -1)
    expect(await admittedBy('doubled')).toBeCloseTo(120, -1)
    expect(await admittedBy('shared')).toBeLessThan(60)
  })
})
