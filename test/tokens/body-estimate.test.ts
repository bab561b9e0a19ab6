import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { estimateBody } from '../../src/tokens/body-estimate.js'
import { isHeadgateError } from '../../src/errors.js'
import type { Route } from '../../src/types.js'
import { runs } from '../support/runs.js'

const ROUTES: readonly Route[] = ['chat', 'completions', 'embeddings', 'responses']
const MODEL = 'qwen3-vl-plus'
/** One token for each character, so a sum shows which texts were counted, and how often. */
const perCharacter = { count: (text: string) => text.length }
const count = (route: Route, body: unknown): number => estimateBody(route, body, MODEL, perCharacter).inputTokens
const chat = (...messages: readonly unknown[]): number => count('chat', { messages })
const user = (content: unknown): number => chat({ role: 'user', content })

/** The tokens of the template around one message, and around the chat. */
const FRAME = 5
const ONE_TURN = 2 * FRAME

describe('estimateBody for a chat', () => {
  it('counts the text of each message, and the template around it', () => {
    expect(user('hello')).toBe(ONE_TURN + 5)
    expect(chat({ role: 'system', content: 'abc' }, { role: 'user', content: 'hello' })).toBe(ONE_TURN + FRAME + 8)
    expect(user('')).toBe(ONE_TURN)
  })

  it('estimates the tokens of texts if no tokenizer is given', () => {
    const { inputTokens } = estimateBody('chat', { messages: [{ role: 'user', content: 'hello world' }] }, 'qwen-plus')
    expect(inputTokens).toBe(ONE_TURN + 2)
  })

  it('counts each part of a content: texts, images, refusals', () => {
    const text = { type: 'text', text: 'hello' }
    expect(user([text])).toBe(ONE_TURN + 5)
    expect(user([text, 'abc', text])).toBe(ONE_TURN + 13)
    expect(user([text, { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }])).toBe(
      ONE_TURN + 5 + 1026,
    )
    expect(user([{ type: 'image_url', image_url: 'https://example.com/a.png' }])).toBe(ONE_TURN + 1026)
    expect(user([{ type: 'refusal', refusal: 'no' }])).toBe(ONE_TURN + 2)
  })

  it('counts two frames of a video as one image, and 16 frames for a video given by its URL', () => {
    const frames = ['https://example.com/1.jpg', 'https://example.com/2.jpg', 'https://example.com/3.jpg']
    expect(user([{ type: 'video', video: frames }])).toBe(ONE_TURN + 1.5 * 1026)
    expect(user([{ type: 'video_url', video_url: { url: 'https://example.com/a.mp4' } }])).toBe(ONE_TURN + 8 * 1026)
  })

  it('counts audio by its length, and half a minute if the length is not known', () => {
    const seconds = (bytes: number, format: string): unknown => ({
      type: 'input_audio',
      input_audio: { data: 'A'.repeat((bytes / 3) * 4), format },
    })
    expect(user([seconds(96_000, 'wav')])).toBe(ONE_TURN + 3 * 25)
    expect(user([seconds(48_000, 'mp3')])).toBe(ONE_TURN + 3 * 25)
    expect(user([{ type: 'input_audio', input_audio: { data: 'https://example.com/a.mp3' } }])).toBe(ONE_TURN + 750)
  })

  it('counts names, reasoning, calls of tools and their results', () => {
    expect(chat({ role: 'user', content: 'hello', name: 'ada' })).toBe(ONE_TURN + 8)
    expect(chat({ role: 'assistant', content: null, reasoning_content: 'thinking' })).toBe(ONE_TURN + 8)
    expect(chat({ role: 'tool', tool_call_id: 'call_1', content: 'sunny' })).toBe(ONE_TURN + 5)
    const called = { name: 'weather', arguments: '{"city":"Rome"}' }
    expect(chat({ role: 'assistant', tool_calls: [{ id: 'call_1', type: 'function', function: called }] })).toBe(
      ONE_TURN + 17 + 7 + 15,
    )
    expect(chat({ role: 'assistant', content: null, function_call: called })).toBe(ONE_TURN + 17 + 7 + 15)
  })

  it('counts tools, functions and the schema of the answer as JSON', () => {
    const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }]
    const schema = { name: 'answer', schema: { type: 'object' } }
    const messages = [{ role: 'user', content: 'hello' }]
    expect(count('chat', { messages, tools })).toBe(ONE_TURN + 5 + 90 + JSON.stringify(tools).length)
    expect(count('chat', { messages, functions: tools })).toBe(ONE_TURN + 5 + 90 + JSON.stringify(tools).length)
    expect(count('chat', { messages, response_format: { type: 'json_schema', json_schema: schema } })).toBe(
      ONE_TURN + 5 + JSON.stringify(schema).length,
    )
    expect(count('chat', { messages, response_format: { type: 'json_object' }, tools: [] })).toBe(ONE_TURN + 5)
  })

  it.each([
    [{}, undefined],
    [{ max_tokens: 100 }, 100],
    [{ max_completion_tokens: 100 }, 100],
    [{ max_tokens: 100, max_completion_tokens: 4096 }, 4096],
    [{ max_tokens: 4096, max_completion_tokens: 100 }, 4096],
    [{ max_tokens: NaN, max_completion_tokens: 100 }, 100],
    [{ max_tokens: 0 }, 0],
    [{ max_tokens: 10.5 }, 11],
    [{ max_tokens: -1 }, undefined],
    [{ max_tokens: '100' }, undefined],
    [{ max_tokens: null }, undefined],
    [{ max_tokens: Infinity }, undefined],
  ])('the output cap of %o is %s', (body, cap) => {
    expect(estimateBody('chat', body, MODEL).maxOutputTokens).toBe(cap)
  })

  it.each([
    [{}, 1],
    [{ n: 3 }, 3],
    [{ n: 0 }, 1],
    [{ n: NaN }, 1],
    [{ n: '4' }, 1],
    [{ n: null }, 1],
    [{ n: 3, best_of: 8 }, 1 + 2],
  ])('the number of choices of %o is %i', (body, choices) => {
    expect(estimateBody('chat', body, MODEL).choices).toBe(choices)
  })

  it('counts the usable parts of a malformed body', () => {
    expect(count('chat', {})).toBe(0)
    expect(count('chat', { messages: null })).toBe(0)
    expect(count('chat', { messages: 'hello' })).toBe(0)
    expect(chat(null, 3, { role: 'user', content: 7 }, { role: 'user', content: 'hello' })).toBe(5 * FRAME + 5)
    expect(user([null, 3, { type: 'text' }, { type: 'image_url' }, { type: 'video' }])).toBe(ONE_TURN + 1026)
  })
})

describe('estimateBody for completions', () => {
  it.each([
    ['a text', 'hello', 5, 1],
    ['a list of texts', ['hello', 'abc'], 8, 2],
    ['the tokens of a text', [1, 2, 3, 4], 4, 1],
    ['the tokens of several texts', [[1, 2, 3], [4]], 4, 2],
    ['a missing prompt', undefined, 0, 1],
    ['an empty list', [], 0, 1],
  ])('counts %s as the prompt', (_, prompt, inputTokens, choices) => {
    expect(estimateBody('completions', { prompt, max_tokens: 9 }, MODEL, perCharacter)).toStrictEqual({
      inputTokens,
      maxOutputTokens: 9,
      choices,
    })
  })

  it('counts the suffix', () => {
    expect(count('completions', { prompt: 'hello', suffix: 'abc' })).toBe(8)
  })

  it('counts every answer that the service writes: the larger of `n` and `best_of`, for each prompt', () => {
    const choices = (body: unknown): number => estimateBody('completions', body, MODEL).choices
    expect(choices({ prompt: 'a', n: 2 })).toBe(2)
    expect(choices({ prompt: 'a', n: 2, best_of: 5 })).toBe(5)
    expect(choices({ prompt: ['a', 'b', 'c'], n: 2, best_of: 5 })).toBe(15)
  })
})

describe('estimateBody for embeddings', () => {
  it.each([
    ['a text', 'hello', 5],
    ['a list of texts', ['hello', 'abc'], 8],
    ['a list of tokens', [1, 2, 3], 3],
    [
      'several lists of tokens',
      [
        [1, 2, 3],
        [4, 5],
      ],
      5,
    ],
    ['the usable parts of a malformed list', [null, {}, 'abc', true], 3],
  ])('counts %s as the input, and expects no output', (_, input, inputTokens) => {
    expect(estimateBody('embeddings', { input, max_tokens: 7, n: 3 }, MODEL, perCharacter)).toStrictEqual({
      inputTokens,
      maxOutputTokens: 0,
      choices: 1,
    })
  })
})

describe('estimateBody for responses', () => {
  it('counts a text and the instructions', () => {
    expect(count('responses', { input: 'hello' })).toBe(ONE_TURN + 5)
    expect(count('responses', { input: 'hello', instructions: 'abc' })).toBe(ONE_TURN + FRAME + 8)
  })

  it('counts messages, calls of tools, their results and reasoning', () => {
    const items = [
      { role: 'user', content: 'hello' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'abc' }] },
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'see' },
          { type: 'input_image', image_url: 'https://example.com/a.png' },
        ],
      },
      { type: 'function_call', name: 'weather', arguments: '{}', call_id: 'call_1' },
      { type: 'function_call_output', call_id: 'call_1', output: 'sunny' },
      { type: 'function_call_output', call_id: 'call_2', output: [{ type: 'input_text', text: 'rain' }] },
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] },
    ]
    expect(count('responses', { input: items })).toBe(8 * FRAME + 5 + 3 + 3 + 1026 + 7 + 2 + 5 + 4 + 2)
  })

  it('counts tools and the schema of the answer, and reads the cap', () => {
    const tools = [{ type: 'function', name: 'weather', parameters: {} }]
    const schema = { type: 'object' }
    const body = { input: 'hello', tools, text: { format: { type: 'json_schema', schema } }, max_output_tokens: 300 }
    expect(estimateBody('responses', body, MODEL, perCharacter)).toStrictEqual({
      inputTokens: ONE_TURN + 5 + 90 + JSON.stringify(tools).length + JSON.stringify(schema).length,
      maxOutputTokens: 300,
      choices: 1,
    })
  })
})

describe('estimateBody for any body', () => {
  /** Bodies with the right fields and arbitrary values in them. */
  const outline = fc.record(
    {
      messages: fc.oneof(
        fc.anything(),
        fc.array(fc.oneof(fc.anything(), fc.record({ content: fc.array(fc.anything()) }))),
      ),
      prompt: fc.anything(),
      input: fc.oneof(
        fc.anything(),
        fc.array(fc.dictionary(fc.constantFrom('content', 'output', 'arguments'), fc.anything())),
      ),
      tools: fc.array(fc.anything()),
      response_format: fc.anything(),
      text: fc.anything(),
      max_tokens: fc.anything(),
      max_output_tokens: fc.anything(),
      n: fc.anything(),
    },
    { requiredKeys: [] },
  )

  it('never throws, and returns integers', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ROUTES), fc.oneof(fc.jsonValue(), fc.anything(), outline), (route, body) => {
        const { inputTokens, maxOutputTokens, choices } = estimateBody(route, body, MODEL)
        expect(Number.isInteger(inputTokens) && inputTokens >= 0).toBe(true)
        expect(maxOutputTokens === undefined || (Number.isInteger(maxOutputTokens) && maxOutputTokens >= 0)).toBe(true)
        expect(Number.isInteger(choices) && choices >= 1).toBe(true)
      }),
      runs(),
    )
  })

  it('accepts a body nested 5,000 deep', () => {
    const deep = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`) as unknown
    for (const route of ROUTES) {
      const body = { messages: deep, prompt: deep, input: deep, tools: [deep], response_format: { json_schema: deep } }
      expect(() => estimateBody(route, body, MODEL)).not.toThrow()
    }
  })

  it('throws InvalidRequest if the tokenizer fails, wherever it is called', () => {
    const failing = {
      count: (): number => {
        throw new Error('no vocabulary')
      },
    }
    for (const body of [{ messages: [{ content: 'hello' }] }, { tools: [{ type: 'function' }] }]) {
      expect(() => estimateBody('chat', body, MODEL, failing)).toThrow(
        expect.toSatisfy((error) => isHeadgateError(error, 'invalid_request')),
      )
    }
  })
})
