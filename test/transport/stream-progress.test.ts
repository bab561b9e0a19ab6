import { describe, expect, it } from 'vitest'
import { tokensIn } from '../../src/transport/stream-progress.js'
import { closing, content, done, event, opening, reasoning, usageChunk } from '../support/chat-events.js'
import { Feed } from '../support/fake-fetch.js'
import { chatBody, LimitedFetch } from '../support/limited-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'

describe('tokensIn', () => {
  const English = 'The quick brown fox jumps over the lazy dog again'
  it.each<[string, string, number]>([
    ['a piece of a chat', content(English), 9.8],
    ['several', content(English) + content(English), 19.6],
    ['a thought', reasoning(English), 9.8],
    ['beside an empty content', event({ choices: [{ delta: { content: '', reasoning_content: English } }] }), 9.8],
    ['with spaces', `data: {"choices": [{"delta": {"content": "${English}"}}]}\n\n`, 9.8],
    ['Chinese', content('今天天气怎么样呢'), 4],
    ['Chinese, escaped', String.raw`data: {"choices":[{"delta":{"content":"\u4eca\u5929\u5929\u6c14"}}]}`, 2],
    ['a piece of a completion', event({ choices: [{ text: English, index: 0 }] }), 9.8],
    ['a piece of a response', event({ type: 'response.output_text.delta', delta: English }), 9.8],
    ['a whole response, which was there before', event({ type: 'response.output_text.done', text: English }), 0],
    ['a call to a tool', event({ choices: [{ delta: { tool_calls: [{ function: { arguments: 'abcde' } }] } }] }), 1],
    ['cut by a quotation mark', content('abcde" and much more'), 1.2],
    ['the beginning', opening, 0],
    ['the end', closing, 0],
    [
      'beside probabilities',
      event({ choices: [{ delta: { content: 'abcde' }, logprobs: { content: [{ bytes: [1] }] } }] }),
      1,
    ],
    ['nothing', '', 0],
    ['a text that does not end', 'data: {"content":"abc', 0],
  ])('%s', (_, text, tokens) => {
    expect(tokensIn(text)).toBeCloseTo(tokens, 5)
  })
})

/** A stream of one-word events to a request that expects 256 tokens, and what stands charged of its output. */
async function running(body: object = {}) {
  const feed = new Feed()
  const world = new LimitedFetch([feed.answer()])
  const response = await opened(world.post({ ...chatBody, max_tokens: undefined, stream: true, ...body }), feed)
  const reader = response.body!.getReader()
  const used = () => world.limiter.stats().models['qwen-plus']!.windows.find(({ limit }) => limit === 'tpm')!.used
  const atFirst = used()
  const read = (async () => {
    while (!(await reader.read()).done);
  })()
  return {
    world,
    feed,
    reader,
    excess: () => used() - atFirst,
    async write(count: number, text = ' word'): Promise<void> {
      for (let i = 0; i < count; i++) feed.push(content(text))
      // Streams settle their promises one after another: when all have run dry, all is read.
      await new Promise((resolve) => setImmediate(resolve))
    },
    async end(...events: string[]): Promise<void> {
      for (const each of events) feed.push(each)
      feed.end()
      await read
      await settlePromises()
    },
  }
}

async function opened(call: Promise<Response>, feed: Feed): Promise<Response> {
  await settlePromises()
  feed.push(opening + content('Hi'))
  return call
}

describe('a stream that outgrows its reservation', () => {
  it('is charged as it grows, in steps', async () => {
    const { write, excess, end } = await running()
    await write(318)
    expect(excess()).toBe(0)
    await write(1)
    expect(excess()).toBe(64)
    await write(79)
    expect(excess()).toBe(64)
    await write(1)
    expect(excess()).toBe(144)
    await end(closing, usageChunk(12, 400), done)
  })

  it('is corrected by its usage, upward and downward, once', async () => {
    for (const output of [10, 330, 5000]) {
      const { world, write, end, excess } = await running()
      await write(450)
      expect(excess()).toBeGreaterThan(100)
      await end(closing, usageChunk(12, output), done)
      const used = world.limiter.stats().models['qwen-plus']!.windows.find(({ limit }) => limit === 'tpm')!.used
      expect(used).toBe(12 + output)
      expect(world.settled).toHaveLength(1)
      expect(world.settled[0]!.reserved.outputTokens).toBe(256)
      world.expectAtRest()
    }
  })

  it('stays charged with what had come where it is broken off', async () => {
    const { write, reader, excess, world } = await running()
    await write(450)
    await reader.cancel()
    await settlePromises()
    expect(excess()).toBe(450 + 1 - 256)
    world.expectAtRest()
  })

  it('is charged by its text where an event holds many tokens', async () => {
    const { write, excess, end } = await running()
    await write(40, 'twenty-five characters or '.repeat(4))
    expect(excess()).toBeGreaterThan(400)
    expect(excess()).toBeLessThan(40 * 26 - 256)
    await end(closing, done)
  })

  it('stays charged by its text where it is broken off, and counts as that', async () => {
    const { write, reader, excess, world } = await running()
    await write(40, 'twenty-five characters or '.repeat(4))
    const charged = excess()
    await reader.cancel()
    await settlePromises()
    expect(excess()).toBe(charged)
    const { averageTpm, windows } = world.limiter.stats().models['qwen-plus']!
    expect(averageTpm).toBe(60 * windows.find(({ limit }) => limit === 'tpm')!.used)
    world.expectAtRest()
  })

  it('is charged with no more than max_tokens for each choice', async () => {
    const { write, excess, end } = await running({ max_tokens: 300 })
    await write(600)
    expect(excess()).toBe(300 - 256)
    await end(closing, done)
  })

  it('is not charged before it does', async () => {
    const { write, excess, end } = await running()
    await write(200)
    expect(excess()).toBe(0)
    await end(closing, usageChunk(12, 200), done)
  })
})
