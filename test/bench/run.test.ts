import { expect, test } from 'vitest'
import { clients } from '../../bench/quota/clients/index.js'
import { chartOf } from '../../bench/quota/chart.js'
import { rows } from '../../bench/quota/rows.js'
import { runRow } from '../../bench/quota/run.js'
import { jobsOf } from '../../bench/quota/workloads.js'

const [headgate] = clients
const row = rows.find(({ name }) => name === 'chat-sliding-admission')!

test('headgate does all jobs of a small row without a 429', async () => {
  const outcome = await runRow(row, headgate!, jobsOf('chat', 60, 1), 1)
  expect(outcome).toMatchObject({ jobs: 60, done: 60, refusals: 0, episodes: 0 })
  expect(outcome.share).toBeGreaterThan(0.7)
})

test('headgate uses more than 97 percent of the quota of windows whose phase it learns', async () => {
  const phased = rows.find(({ name }) => name === 'phase-rpm')!
  const outcome = await runRow(phased, headgate!, jobsOf('rpm', 300, 1), 1)
  expect(outcome).toMatchObject({ jobs: 300, done: 300, refusals: 0 })
  expect(outcome.share).toBeGreaterThan(0.97)
})

test('headgate uses over 90 percent of strict limits per second with long prompts, without a 429', async () => {
  const long = rows.find(({ name }) => name === 'long-sliding-admission')!
  const outcome = await runRow(long, headgate!, jobsOf('long', long.jobs, 1), 1)
  expect(outcome).toMatchObject({ done: long.jobs, refusals: 0, missed: [] })
  expect(outcome.share).toBeGreaterThan(0.9)
})

test.each(clients)('a run of $name gives the same result with the same seed', async (kind) => {
  const once = await runRow(row, kind, jobsOf('chat', 40, 2), 2)
  expect(await runRow(row, kind, jobsOf('chat', 40, 2), 2)).toEqual(once)
})

test('another seed gives other jobs', () => {
  expect(jobsOf('chat', 40, 2)).toEqual(jobsOf('chat', 40, 2))
  expect(jobsOf('chat', 40, 3)).not.toEqual(jobsOf('chat', 40, 2))
})

test('each row has its own name', () => {
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
})

test('the chart names the clients', async () => {
  const outcome = await runRow(row, headgate!, jobsOf('chat', 20, 1), 1)
  expect(chartOf([outcome])).toMatch(/^<svg[^]*headgate[^]*<\/svg>\s*$/)
})
