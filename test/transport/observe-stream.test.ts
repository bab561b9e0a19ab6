import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  closing,
  content,
  done,
  event,
  inStreamErrors,
  opening,
  reasoning,
  usage,
  usageChunk,
  USED,
} from '../support/chat-events.js'
import { Feed, json, streamed } from '../support/fake-fetch.js'
import { BASE, CHAT, chatBody, flowing, LimitedFetch } from '../support/limited-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'
import { runs } from '../support/runs.js'

const whole = [opening, content('Hello'), content(' there'), closing, usage, done]
const seen = [opening, content('Hello'), content(' there'), closing, done].join('')
const withUsage = { ...chatBody, stream: true, stream_options: { include_usage: true } }

describe('a stream that is read in full', () => {
  it('reaches the caller as it came, but for the usage that was not asked for', async () => {
    const world = new LimitedFetch([streamed(whole)])
    const response = await world.stream()
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    expect(await response.text()).toBe(seen)
    expect(world.service.sent[0]?.body).toEqual(withUsage)
    expect(world.settled[0]?.usage).toEqual(USED)
    world.expectAtRest()
  })

  it('reaches the caller with the usage that was asked for', async () => {
    const world = new LimitedFetch([streamed(whole)])
    expect(await (await world.post(withUsage)).text()).toBe(whole.join(''))
    expect(world.settled[0]?.usage).toEqual(USED)
    world.expectAtRest()
  })

  it('keeps a usage that stands beside content', async () => {
    const text = event({
      choices: [{ delta: { content: 'x' }, index: 0 }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    })
    const world = new LimitedFetch([streamed([text, done])])
    expect(await (await world.stream()).text()).toBe(text + done)
    expect(world.settled[0]?.usage).toEqual({ inputTokens: 1, outputTokens: 1 })
    world.expectAtRest()
  })

  it('keeps every byte, wherever it is cut and however its lines end', async () => {
    const lineEnd = fc.constantFrom('\n', '\r\n')
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 })
    const pieces = fc.array(fc.constantFrom(content('水 👍'), reasoning('hm'), ': keep-alive\n\n', 'id: 7\n\n'), {
      maxLength: 5,
    })
    await fc.assert(
      fc.asyncProperty(lineEnd, cuts, pieces, fc.boolean(), async (end, at, pieces, isOpenEnded) => {
        const asSent = (events: string[]) => events.join('').replaceAll('\n', end)
        const tail = isOpenEnded ? 'data: {"x":' : ''
        const bytes = new TextEncoder().encode(asSent([opening, ...pieces, closing, usage, done]) + tail)
        const ends = [0, ...at.map((share) => Math.floor(share * bytes.length)), bytes.length].toSorted((a, b) => a - b)
        const world = new LimitedFetch([streamed(ends.slice(1).map((end, i) => bytes.subarray(ends[i], end)))])
        const text = await (await world.stream()).text()
        expect(text).toBe(asSent([opening, ...pieces, closing, done]) + tail)
        expect(world.settled[0]?.usage).toEqual(USED)
        world.expectAtRest()
      }),
      runs(100),
    )
  })

  it('settles at its end, before the caller asks for more', async () => {
    const feed = new Feed()
    const { world, response } = await flowing(feed)
    const reader = response.body!.getReader()
    await reader.read()
    feed.push(closing + usage + done)
    await reader.read()
    expect(world.settled[0]?.usage).toEqual(USED)
    world.expectAtRest()
    feed.end()
    while (!(await reader.read()).done);
    world.expectAtRest()
  })

  it('without a usage leaves the reservation standing', async () => {
    const world = new LimitedFetch([streamed([opening, content('Hello'), closing, done])])
    await (await world.stream()).text()
    expect(world.settled).toMatchObject([{ usage: undefined }])
    world.expectAtRest()
  })

  it('without a usage counts the pieces that came, if these are more than was reserved', async () => {
    const pieces = Array.from({ length: 8 }, () => content('word '))
    const world = new LimitedFetch([streamed([...pieces, done])])
    await (await world.post({ ...chatBody, max_tokens: 5, stream: true })).text()
    expect(world.settled[0]?.usage?.outputTokens).toBe(8)
    world.expectAtRest()
  })

  it.each([
    ['that says nothing', []],
    ['that only opens', [opening]],
    ['that only says that it is done', [done]],
  ])('may be one %s', async (_, pieces) => {
    const world = new LimitedFetch([streamed(pieces)])
    expect(await (await world.stream()).text()).toBe(pieces.join(''))
    world.expectAtRest()
  })

  it('that says nothing but its usage', async () => {
    const world = new LimitedFetch([streamed([usageChunk(5, 0), done])])
    expect(await (await world.stream()).text()).toBe(done)
    expect(world.settled[0]?.usage).toEqual({ inputTokens: 5, outputTokens: 0 })
    world.expectAtRest()
  })

  it('in one piece', async () => {
    const world = new LimitedFetch([streamed([whole.join('')])])
    expect(await (await world.stream()).text()).toBe(seen)
    expect(world.settled[0]?.usage).toEqual(USED)
    world.expectAtRest()
  })

  it('of the Responses API, whose last event has the usage', async () => {
    const used = { input_tokens: 7, output_tokens: 2, total_tokens: 9 }
    const events = [
      event({ type: 'response.created', response: { usage: null, error: null } }),
      event({ type: 'response.output_text.delta', delta: 'Hi' }),
      event({ type: 'response.output_text.done', text: 'Hi' }),
      event({ type: 'response.completed', response: { usage: used } }),
    ]
    const world = new LimitedFetch([streamed(events)])
    const body = JSON.stringify({ model: 'qwen-plus', input: 'Hi', stream: true })
    const response = await world.limiter.fetch(`${BASE}/responses`, { method: 'POST', body })
    expect(await response.text()).toBe(events.join(''))
    expect(world.service.sent[0]?.text).toBe(body)
    expect(world.settled[0]?.usage).toEqual({ inputTokens: 7, outputTokens: 2 })
    world.expectAtRest()
  })

  it('measures the time to the first content and to the end', async () => {
    const feed = new Feed()
    const world = new LimitedFetch([feed.answer()])
    const call = world.stream()
    await settlePromises()
    feed.push(opening)
    await world.clock.advance(200)
    feed.push(content('Hello'))
    const response = await call
    await world.clock.advance(300)
    feed.push(usage + done)
    feed.end()
    await response.text()
    const { timeToFirstTokenMs, latencyMs } = world.limiter.stats().models['qwen-plus']!
    expect([timeToFirstTokenMs?.p50, latencyMs?.p50]).toEqual([200, 500])
    world.expectAtRest()
  })
})

describe('an answer to a request for a stream', () => {
  it('may be JSON', async () => {
    const answer = { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }
    const world = new LimitedFetch([json(answer)])
    expect(await (await world.stream()).json()).toEqual(answer)
    expect(world.settled[0]?.usage).toEqual({ inputTokens: 1, outputTokens: 1 })
    world.expectAtRest()
  })

  it('may be a 429 in the form of an event', async () => {
    const refusal = () =>
      new Response(inStreamErrors.native, { status: 429, headers: { 'content-type': 'text/event-stream' } })
    const world = new LimitedFetch([refusal, streamed(whole)])
    expect(await (await world.after(world.stream())).text()).toBe(seen)
    expect(world.throttled).toMatchObject([{ class: 'tokens' }])
    world.expectAtRest()
  })
})

it('the timeout of the client ends with the head of the answer', async () => {
  const feed = new Feed()
  const world = new LimitedFetch([feed.answer()])
  const call = world.stream({}, { timeoutMs: 1000 })
  await settlePromises()
  await world.clock.advance(60_000)
  feed.push(whole.join(''))
  feed.end()
  expect(await (await call).text()).toBe(seen)
  expect(world.service.sent[0]?.url).toBe(CHAT)
  world.expectAtRest()
})
