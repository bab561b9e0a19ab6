import { describe, expect, it } from 'vitest'
import { closing, content, done, event, inStreamErrors, opening, usage, USED } from '../support/chat-events.js'
import { Feed, streamed } from '../support/fake-fetch.js'
import { failure, flowing, LimitedFetch } from '../support/limited-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'

const whole = [opening, content('Hello'), content(' there'), closing, usage, done]
const seen = [opening, content('Hello'), content(' there'), closing, done].join('')
const terminated = new TypeError('terminated')

describe('a stream that breaks off', () => {
  it('before the first content is repeated', async () => {
    const world = new LimitedFetch([streamed([opening], terminated), streamed(whole)])
    expect(await (await world.after(world.stream())).text()).toBe(seen)
    expect(world.service.sent).toHaveLength(2)
    expect(world.settled.map(({ usage }) => usage)).toEqual([undefined, USED])
    world.expectAtRest()
  })

  it('before the first content, again and again: what broke it is thrown', async () => {
    const world = new LimitedFetch([streamed([opening], terminated)])
    expect(await world.after(failure(world.stream({}, { maxRetries: 1 })))).toBe(terminated)
    expect(world.service.sent).toHaveLength(2)
    world.expectAtRest()
  })

  it('after it reaches the caller: all that came, then the error; nothing is repeated', async () => {
    const feed = new Feed()
    const { world, response } = await flowing(feed)
    const reader = response.body!.getReader()
    feed.push(content(' there') + 'data: {"cho')
    let text = ''
    for (let pieces = 0; pieces < 2; pieces++) text += new TextDecoder().decode((await reader.read()).value)
    const rest = reader.read()
    await settlePromises()
    feed.fail(terminated)
    text += new TextDecoder().decode((await rest).value)
    expect(text).toBe(`${opening}${content('Hello')}${content(' there')}data: {"cho`)
    expect(await failure(reader.read())).toBe(terminated)
    expect(world.service.sent).toHaveLength(1)
    expect(world.settled).toMatchObject([{ usage: undefined }])
    world.expectAtRest()
  })

  it('after its usage is settled by it', async () => {
    const feed = new Feed()
    const { world, response } = await flowing(feed)
    feed.push(closing + usage)
    const text = failure(response.text())
    await settlePromises()
    feed.fail(terminated)
    expect(await text).toBe(terminated)
    expect(world.settled[0]?.usage).toEqual(USED)
    world.expectAtRest()
  })

  it('in the middle ends without an error where the server closes it', async () => {
    const world = new LimitedFetch([streamed([opening, content('Hello'), 'data: {"cho'])])
    expect(await (await world.stream()).text()).toBe(`${opening}${content('Hello')}data: {"cho`)
    expect(world.settled).toMatchObject([{ usage: undefined }])
    world.expectAtRest()
  })
})

describe('an error inside a stream', () => {
  const kinds = Object.entries({ native: 'tokens', openai: 'surge', serving: 'requests' } as const).map(
    ([shape, kind]) => [shape, kind, inStreamErrors[shape as keyof typeof inStreamErrors]] as const,
  )

  it.each(kinds)('before the first content is repeated: %s', async (_, kind, error) => {
    const world = new LimitedFetch([streamed([opening, error]), streamed(whole)])
    expect(await (await world.after(world.stream())).text()).toBe(seen)
    expect(world.throttled).toMatchObject([{ model: 'qwen-plus', class: kind }])
    expect(world.service.sent).toHaveLength(2)
    expect(world.clock.now()).toBeGreaterThanOrEqual(1000 + world.throttled[0]!.holdMs)
    world.expectAtRest()
  })

  it.each(kinds)('before the first content goes to a backup at once: %s', async (_, kind, error) => {
    const fallback = { 'qwen-plus': ['qwen-flash'] }
    const world = new LimitedFetch([streamed([error]), streamed(whole)], { fallback })
    expect(await (await world.stream()).text()).toBe(seen)
    expect(world.service.sent.map(({ body }) => body['model'])).toEqual(['qwen-plus', 'qwen-flash'])
    expect(world.throttled).toMatchObject([{ class: kind }])
    expect(world.clock.now()).toBe(1000)
    world.expectAtRest()
  })

  it.each(kinds)('after it reaches the caller, and the model is held: %s', async (_, kind, error) => {
    const text = opening + content('Hello') + error
    const world = new LimitedFetch([streamed([opening, content('Hello'), error])])
    expect(await (await world.stream()).text()).toBe(text)
    expect(world.service.sent).toHaveLength(1)
    expect(world.throttled).toMatchObject([{ model: 'qwen-plus', class: kind }])
    expect(world.limiter.stats().models['qwen-plus']?.heldMs).toBeGreaterThan(0)
    expect(world.settled).toMatchObject([{ usage: undefined }])
    world.expectAtRest()
  })

  it.each(kinds)(
    'before the first content costs nothing, whether it names a status or not: %s',
    async (_, __, error) => {
      const fallback = { 'qwen-plus': ['qwen-flash'] }
      const world = new LimitedFetch([streamed([error]), streamed(whole)], { fallback })
      await (await world.stream()).text()
      const windows = world.limiter.stats().models['qwen-plus']!.windows
      expect(windows.map(({ used }) => used)).toEqual(windows.map(() => 0))
    },
  )

  it('in one piece with the first content reaches the caller', async () => {
    const text = opening + content('Hello') + inStreamErrors.native
    const world = new LimitedFetch([streamed([text])])
    expect(await (await world.stream()).text()).toBe(text)
    expect(world.throttled).toHaveLength(1)
    world.expectAtRest()
  })

  it('to the end reaches the caller as it came, after HTTP 200', async () => {
    const world = new LimitedFetch([streamed([opening, inStreamErrors.openai])])
    const response = await world.after(world.stream({}, { maxRetries: 1 }))
    expect(response.status).toBe(200)
    expect(await response.text()).toBe(opening + inStreamErrors.openai)
    expect(world.service.sent).toHaveLength(2)
    world.expectAtRest()
  })

  it('that a repetition does not mend is not repeated', async () => {
    const error = event({ error: { code: 'data_inspection_failed', message: 'Input may contain bad content' } })
    const world = new LimitedFetch([streamed([error])])
    const response = await world.after(world.stream())
    expect(await response.text()).toBe(error)
    expect(world.service.sent).toHaveLength(1)
    world.expectAtRest()
  })

  it('lets go of the connection that it came on', async () => {
    const feed = new Feed()
    const world = new LimitedFetch([feed.answer(), streamed(whole)])
    const call = world.stream()
    await settlePromises()
    feed.push(inStreamErrors.native)
    await (await world.after(call)).text()
    expect(feed.cancelled).toBeDefined()
    world.expectAtRest()
  })
})

describe('a stream that stalls before its first content', () => {
  const hangs = [
    ['head alone', ''],
    ['the role', opening],
    ['comments', ': still here\n\n'],
  ] as const

  it.each(hangs)('is handed on after a minute, what came included: %s', async (_, text) => {
    const feed = new Feed()
    const world = new LimitedFetch([feed.answer()])
    let response: Response | undefined
    void world.stream().then((answer) => (response = answer))
    await settlePromises()
    if (text !== '') feed.push(text)
    await world.clock.advance(59_999)
    expect(response).toBeUndefined()
    await world.clock.advance(1)
    const read = response!.text()
    feed.push(content('Hello') + usage + done)
    feed.end()
    expect(await read).toBe(text + content('Hello') + done)
    expect(world.settled[0]?.usage).toEqual(USED)
    world.expectAtRest()
  })

  it('is handed on after the client’s timeout where that is shorter', async () => {
    const feed = new Feed()
    const world = new LimitedFetch([feed.answer()])
    let response: Response | undefined
    void world.stream({}, { timeoutMs: 3000 }).then((answer) => (response = answer))
    await world.clock.advance(3000)
    expect(response?.status).toBe(200)
    await response!.body!.cancel()
    world.expectAtRest()
  })

  it('and breaks off then: its reader gets the error, and nothing is repeated', async () => {
    const feed = new Feed()
    const world = new LimitedFetch([feed.answer()])
    let response: Response | undefined
    void world.stream().then((answer) => (response = answer))
    await world.clock.advance(60_000)
    feed.fail(terminated)
    expect(await failure(response!.text())).toBe(terminated)
    expect(world.service.sent).toHaveLength(1)
    world.expectAtRest()
  })

  it('and refuses then: its reader gets the refusal, and the model is held', async () => {
    const feed = new Feed()
    const world = new LimitedFetch([feed.answer()])
    let response: Response | undefined
    void world.stream().then((answer) => (response = answer))
    await world.clock.advance(60_000)
    feed.push(inStreamErrors.native)
    feed.end()
    expect(await response!.text()).toBe(inStreamErrors.native)
    expect(world.throttled).toMatchObject([{ class: 'tokens' }])
    world.expectAtRest()
  })

  it('ends with its last event, whatever the server does then', async () => {
    const feed = new Feed()
    const world = new LimitedFetch([feed.answer()])
    const call = world.stream()
    await settlePromises()
    feed.push(opening + usage + done)
    const response = await call
    expect(world.settled[0]?.usage).toEqual(USED)
    feed.end()
    expect(await response.text()).toBe(opening + done)
    world.expectAtRest()
  })

  it('and is aborted rejects with the reason', async () => {
    const feed = new Feed()
    const world = new LimitedFetch([feed.answer()])
    const controller = world.abortable()
    const call = failure(world.stream({ signal: controller.signal }))
    await settlePromises()
    feed.push(opening)
    await settlePromises()
    controller.abort('mine')
    expect(await call).toBe('mine')
    world.expectAtRest()
  })

  it('and was aborted before its head, through a fetch that hears of no abort', async () => {
    const silent = () => new Response(new ReadableStream({}), { headers: { 'content-type': 'text/event-stream' } })
    const world = new LimitedFetch((clock) => [
      () => new Promise((resolve) => void clock.setTimeout(() => resolve(silent()), 50)),
    ])
    const controller = world.abortable()
    const call = failure(world.stream({ signal: controller.signal }))
    await world.clock.advance(10)
    controller.abort('mine')
    await world.clock.advance(40)
    expect(await call).toBe('mine')
    world.expectAtRest()
  })

  it('and is aborted, before a fetch that hears of no abort: its place is free at once', async () => {
    const silent = () => new Response(new ReadableStream({}), { headers: { 'content-type': 'text/event-stream' } })
    const world = new LimitedFetch([silent])
    const controller = world.abortable()
    const call = failure(world.stream({ signal: controller.signal }))
    await settlePromises()
    controller.abort('mine')
    expect(await call).toBe('mine')
    world.expectAtRest()
  })
})

describe('a stream that does not say that it is one', () => {
  it.each([{}, { 'content-type': 'text/plain' }])('passes event by event all the same: %j', async (headers) => {
    const feed = new Feed()
    const world = new LimitedFetch([(sent) => new Response((feed.answer()(sent) as Response).body, { headers })])
    const call = world.stream()
    await settlePromises()
    feed.push(opening + content('Hello'))
    const response = await call
    feed.push(usage + done)
    feed.end()
    expect(await response.text()).toBe(opening + content('Hello') + done)
    expect(world.settled[0]?.usage).toEqual(USED)
    world.expectAtRest()
  })

  it('and is JSON after all settles by its usage', async () => {
    const body = JSON.stringify({
      choices: [{ message: { content: 'Hi' } }],
      usage: { prompt_tokens: 12, completion_tokens: 3 },
    })
    const world = new LimitedFetch([() => new Response(body)])
    expect(await (await world.stream()).text()).toBe(body)
    expect(world.settled[0]?.usage).toEqual(USED)
    world.expectAtRest()
  })
})

describe('a reader that takes the memory of what it reads', () => {
  it('does not change what comes next', async () => {
    const feed = new Feed()
    const { world, response } = await flowing(feed)
    const reader = response.body!.getReader()
    const texts: string[] = []
    const take = async (): Promise<boolean> => {
      const { value, done } = await reader.read()
      if (done) return false
      texts.push(new TextDecoder().decode(value))
      structuredClone(value.buffer, { transfer: [value.buffer as ArrayBuffer] })
      return true
    }
    await take()
    const next = content(' there')
    feed.push(content(' you') + next.slice(0, 20))
    await take()
    feed.push(next.slice(20) + usage + content('!') + done)
    feed.end()
    while (await take());
    expect(texts.join('')).toBe(opening + content('Hello') + content(' you') + next + content('!') + done)
    world.expectAtRest()
  })
})
