import { describe, expect, it } from 'vitest'
import { FetchCall } from '../../src/transport/fetch-call.js'
import { content, done, opening, usage } from '../support/chat-events.js'
import { Feed, json, throwing, type FakeAnswer } from '../support/fake-fetch.js'
import { failure, LimitedFetch } from '../support/limited-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'

const ok = json({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } })
const broken = new TypeError('fetch failed')
const fault = json({ error: { message: 'oops' } }, 500)

/** What a client does with a call that has a `maxRetries` of its own: it repeats what `fetch` throws, so often at most. */
async function asClient(answers: FakeAnswer[], maxRetries: number): Promise<{ sent: number; seen: unknown }> {
  const world = new LimitedFetch(answers)
  const call = new FetchCall({ maxRetries, timeoutMs: undefined })
  for (let left = maxRetries; ; left--) {
    try {
      const response = await world.after(world.post(undefined, {}, { call }))
      return { sent: world.service.sent.length, seen: response.status }
    } catch (error) {
      if (left === 0) return { sent: world.service.sent.length, seen: error }
    }
  }
}

describe('a call with a maxRetries of its own', () => {
  const drop = throwing(broken)
  it.each<[name: string, answers: FakeAnswer[], maxRetries: number, sent: number, seen: unknown]>([
    ['faults alone', [fault], 2, 3, 500],
    ['drops alone', [drop], 2, 3, broken],
    ['one after the other', [fault, fault, drop, fault], 2, 3, broken],
    ['a fault, a drop, then ok, once too late', [fault, drop, ok], 1, 2, broken],
    ['a fault, a drop, then ok', [fault, drop, ok], 2, 3, 200],
    ['a drop, a fault, then ok', [drop, fault, ok], 2, 3, 200],
    ['a drop, then faults', [drop, fault], 2, 3, 500],
    ['none at all', [drop, ok], 0, 1, broken],
  ])('is sent as often as it says, whatever goes wrong: %s', async (_, answers, maxRetries, sent, seen) => {
    expect(await asClient(answers, maxRetries)).toEqual({ sent, seen })
  })
})

describe('a call with a timeout of its own', () => {
  it('is handed its stream before that, content or not: the timeout is for the head', async () => {
    const feed = new Feed()
    const world = new LimitedFetch([feed.answer()])
    const call = new FetchCall({ maxRetries: undefined, timeoutMs: 1000 })
    let response: Response | undefined
    void world.stream({}, { call }).then((answer) => (response = answer))
    await settlePromises()
    feed.push(opening)
    await world.clock.advance(899)
    expect(response).toBeUndefined()
    await world.clock.advance(1)
    feed.push(content('Hello') + usage + done)
    feed.end()
    expect(await response!.text()).toBe(opening + content('Hello') + done)
    world.expectAtRest()
  })
})

describe('through the fetch of an SDK that repeats by itself', () => {
  it('what fails without an answer is left to it', async () => {
    const world = new LimitedFetch([throwing(broken)])
    const headers = { 'content-type': 'application/json', 'x-stainless-retry-count': '0' }
    expect(await failure(world.post(undefined, { headers }))).toBe(broken)
    expect(world.service.sent).toHaveLength(1)
    world.expectAtRest()
  })
})

describe('a fetch of the client’s own', () => {
  it('gets headers of its own with each attempt', async () => {
    const seen: (string | null)[] = []
    const appending: FakeAnswer = ({ init }) => {
      const headers = init.headers as Headers
      headers.append('x-attempt', 'one')
      seen.push(headers.get('x-attempt'))
      return seen.length < 3 ? (fault(undefined as never) as Response) : (ok(undefined as never) as Response)
    }
    const world = new LimitedFetch([appending])
    await world.after(world.post(undefined, {}, {}))
    expect(seen).toEqual(['one', 'one', 'one'])
  })
})

describe('a status that no Response can be made with', () => {
  it('reaches the caller', async () => {
    const odd = () => Object.defineProperty(new Response('{}'), 'status', { value: 999 })
    const notOk = () => Object.defineProperty(odd(), 'ok', { value: false })
    const world = new LimitedFetch([notOk])
    const response = await world.after(world.post(undefined, {}, { maxRetries: 0 }))
    expect([response.status, response.ok, await response.text()]).toEqual([999, false, '{}'])
    world.expectAtRest()
  })
})
