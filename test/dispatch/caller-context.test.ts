import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import { fault, ok, refusal, setup, type Outcome } from './setup.js'

const user = new AsyncLocalStorage<string>()

/** Who each attempt of each request ran for. */
async function seenBy(outcomes: readonly Outcome[], rpm: number): Promise<Record<string, (string | undefined)[]>> {
  const { clock, limiter, server } = setup({ limits: { a: { rpm } } })
  const seen: Record<string, (string | undefined)[]> = {}
  for (const name of ['ann', 'bob', 'cy']) {
    const run = server(name, outcomes)
    user.run(name, () => {
      const ended = limiter.schedule({ model: 'a' }, (grant) => {
        ;(seen[name] ??= []).push(user.getStore())
        return run(grant)
      })
      void ended.catch(() => {}).finally(() => seen[name]!.push(user.getStore()))
    })
  }
  await clock.run()
  return seen
}

describe('a run sees the asynchronous context of its caller', () => {
  test.each<[name: string, outcomes: Outcome[], rpm: number, runs: number]>([
    ['started at once', [ok], 10, 1],
    ['started after a wait', [ok], 1, 1],
    ['repeated after a fault', [fault(500), ok], 10, 2],
    ['repeated after a refusal', [refusal('surge'), refusal('surge'), ok], 10, 3],
    ['repeated after a wait', [fault(500), ok], 1, 2],
  ])('%s', async (_, outcomes, rpm, runs) => {
    const seen = await seenBy(outcomes, rpm)
    for (const name of ['ann', 'bob', 'cy']) expect(seen[name]).toEqual(Array.from({ length: runs + 1 }, () => name))
  })
})
