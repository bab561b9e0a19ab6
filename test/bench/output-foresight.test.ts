import { describe, expect, test } from 'vitest'
import { clients } from '../../bench/quota/clients/index.js'
import { ForesightLog } from '../../bench/quota/output-foresight.js'
import { seeded } from '../../bench/quota/random.js'
import { tableHead, tableLine } from '../../bench/quota/report.js'
import { rows } from '../../bench/quota/rows.js'
import { runRow } from '../../bench/quota/run.js'
import { jobsOf, type Job } from '../../bench/quota/workloads.js'

const job = (id: number, outputTokens: number): Job => ({ ...jobsOf('chat', 1, 1)[0]!, id, outputTokens })

describe('the log of reserved output', () => {
  test('compares reserved with actual output, and checks coverage whenever a request is sent', () => {
    const log = new ForesightLog()
    log.sent(job(0, 100)) // 150 reserved for 100: covered
    log.sent(job(1, 300)) // 300 reserved for 400: not covered
    log.ended(job(0, 100), 150, true)
    log.ended(job(1, 300), 150, true)
    log.sent(job(2, 200)) // 200 reserved for 200: covered
    log.ended(job(2, 200), 200, true)
    expect(log.summary(0.25)).toEqual({
      error: 0.25,
      errorOfMean: (100 + 100 + 0) / 600,
      reserved: 500 / 600,
      covered: 2 / 3,
    })
  })

  test('ignores attempts that were refused or have not ended', () => {
    const log = new ForesightLog()
    expect(log.summary(0)).toBeUndefined()
    log.sent(job(0, 500))
    log.sent(job(1, 100))
    log.ended(job(0, 500), 10, false)
    log.ended(job(1, 100), 100, true)
    log.sent(job(2, 900))
    expect(log.summary(0)).toEqual({ error: 0, errorOfMean: 0, reserved: 1, covered: 1 })
  })

  test('has the same coverage as a brute-force count of overlapping requests', () => {
    const random = seeded(3, 'foresight')
    const log = new ForesightLog()
    const all = Array.from({ length: 300 }, (_, id) => {
      const sentAt = 1000 * random()
      const endsAt = sentAt + 1 + 50 * random()
      const reserved = Math.ceil(600 * random())
      return { job: job(id, Math.ceil(600 * random())), sentAt, endsAt, reserved, isAnswered: random() < 0.8 }
    })
    const moments = all.flatMap((each) => [
      { at: each.sentAt, act: () => log.sent(each.job) },
      { at: each.endsAt, act: () => log.ended(each.job, each.reserved, each.isAnswered) },
    ])
    for (const { act } of moments.sort((a, b) => a.at - b.at)) act()
    const answered = all.filter(({ isAnswered }) => isAnswered)
    const enough = answered.filter(({ sentAt }) => {
      const inFlight = answered.filter((other) => other.sentAt <= sentAt && other.endsAt > sentAt)
      return inFlight.reduce((spare, other) => spare + other.reserved - other.job.outputTokens, 0) >= 0
    })
    expect(enough.length).toBeGreaterThan(50)
    expect(log.summary(0)?.covered).toBe(enough.length / answered.length)
  })
})

describe('the result of a row', () => {
  const run = async (name: string, client: string) => {
    const row = rows.find((each) => each.name === name)!
    return runRow(
      row,
      clients.find((kind) => kind.name === client)!,
      jobsOf('chat', 60, 1),
      1,
    )
  }

  test('has the prediction error and coverage of headgate if the output is unknown', async () => {
    const outcome = await run('reserved-sliding', 'headgate')
    // The server and the client both reserve max_tokens: 1,024, for answers of a quarter of that.
    expect(outcome.foresight).toMatchObject({ covered: 1 })
    expect(outcome.foresight!.reserved).toBeGreaterThan(3)
    expect(outcome.foresight!.error).toBeGreaterThan(0.2)
    expect(outcome.foresight!.error).toBeLessThan(1)
    const at = tableHead().indexOf('covered')
    expect(tableLine(outcome).slice(at, at + 'covered'.length)).toBe('100.0 %')
  })

  test.each([
    ['reserved-sliding', 'p-queue'],
    ['chat-sliding-admission', 'headgate'],
  ])('has no prediction otherwise: row %s, client %s', async (name, client) => {
    const outcome = await run(name, client)
    expect(outcome.foresight).toBeUndefined()
    const from = tableHead().indexOf('out err') - 2
    expect(
      tableLine(outcome)
        .slice(from, from + 18)
        .trim(),
    ).toBe('')
  })
})
