import { describe, expect, it } from 'vitest'
import { SseScanner } from '../../src/transport/sse-scanner.js'
import { readStreamEvent, type StreamEvent } from '../../src/transport/stream-event.js'
import {
  closing,
  content,
  done,
  event,
  inStreamErrors,
  opening,
  reasoning,
  usageChunk,
} from '../support/chat-events.js'

const encoder = new TextEncoder()

function read(text: string, afterContent = false): StreamEvent {
  const [first] = new SseScanner().push(encoder.encode(text))
  return readStreamEvent(first!, afterContent)
}

const nothing: StreamEvent = {
  isContent: false,
  usage: undefined,
  isUsageAlone: false,
  isError: false,
  isLast: false,
}
const piece: StreamEvent = { ...nothing, isContent: true }
const error: StreamEvent = { ...nothing, isError: true }

function delta(fields: unknown, rest: object = {}): string {
  return event({ choices: [{ index: 0, delta: fields, finish_reason: null }], ...rest })
}

describe('chat completions', () => {
  it.each([
    ['the opening', opening],
    ['an empty delta', delta({})],
    ['a delta of nulls and empty lists', delta({ content: null, tool_calls: [], refusal: null })],
    ['a list of no choices without usage', event({ choices: [], prompt_filter_results: [{}] })],
    ['a comment', ': keep-alive\n\n'],
    ['a status that is no error', ':HTTP_STATUS/200\n\n'],
  ])('%s is no content', (_, text) => expect(read(text)).toEqual(nothing))

  it.each([
    ['text', content('Hi')],
    ['a blank', content(' ')],
    ['reasoning', reasoning('Let me see')],
    ['a call of a tool', delta({ tool_calls: [{ index: 0, id: 'call_1', function: { name: 'f', arguments: '' } }] })],
    ['a refusal', delta({ refusal: 'No' })],
    ['the reason of the end', closing],
    ['what is no JSON', 'data: hello\n\n'],
    ['a second choice', event({ choices: [{ delta: {} }, { delta: { content: 'x' } }] })],
  ])('%s is content, at the beginning and later', (_, text) => {
    expect(read(text)).toEqual(piece)
    expect(read(text, true)).toMatchObject({ isContent: true, isError: false, usage: undefined, isLast: false })
  })

  it('[DONE] is the end', () => {
    expect(read(done)).toEqual({ ...nothing, isLast: true })
    expect(read(done, true)).toEqual({ ...nothing, isLast: true })
  })

  it.each([false, true])('usage alone, in the last chunk (after content: %s)', (afterContent) => {
    const usage = { inputTokens: 12, outputTokens: 3 }
    expect(read(usageChunk(12, 3), afterContent)).toEqual({ ...nothing, usage, isUsageAlone: true })
  })

  it('usage beside content is read and is not alone', () => {
    const text = delta({ content: 'x' }, { usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } })
    for (const afterContent of [false, true]) {
      expect(read(text, afterContent)).toEqual({ ...piece, usage: { inputTokens: 1, outputTokens: 2 } })
    }
  })

  it('a usage of null is none', () => {
    expect(read(delta({ content: 'x' }, { usage: null })).usage).toBeUndefined()
    expect(read(event({ choices: [], usage: null })).isUsageAlone).toBe(false)
  })

  it('a usage with details: thinking counts in the output', () => {
    const usage = { prompt_tokens: 5, completion_tokens: 9, completion_tokens_details: { reasoning_tokens: 4 } }
    expect(read(event({ choices: [], usage }), true).usage).toEqual({
      inputTokens: 5,
      outputTokens: 9,
      thinkingTokens: 4,
    })
  })

  it('an error of null beside content is none', () => {
    expect(read(delta({ content: 'x' }, { error: null }), true)).toEqual(piece)
    expect(read(delta({ content: 'x' }, { error: null }))).toEqual(piece)
  })

  it.each([
    '{"error": {"code":"limit_requests"}}',
    '"usage": {"prompt_tokens": 1, "completion_tokens": 1}',
    '{"type":"error","code":"x"}',
    '[DONE]',
    'event: error\n:HTTP_STATUS/429',
    '{"code":"Throttling","message":"no"}',
  ])('content that reads like something else is content: %s', (text) => {
    for (const afterContent of [false, true]) {
      expect(read(content(text), afterContent)).toEqual(piece)
      const call = { tool_calls: [{ index: 0, function: { arguments: text } }] }
      expect(read(delta(call), afterContent)).toEqual(piece)
    }
  })
})

describe('completions', () => {
  const text = (text: string, finish: string | null = null) =>
    event({ object: 'text_completion', choices: [{ text, index: 0, finish_reason: finish }], usage: null })

  it('text is content, empty text is none, the reason of the end is', () => {
    expect(read(text('Hi'))).toEqual(piece)
    expect(read(text(''))).toEqual(nothing)
    expect(read(text('', 'length'))).toEqual(piece)
  })
})

describe('responses', () => {
  const typed = (type: string, rest: object = {}) => `event: ${type}\n${event({ type, ...rest })}`
  const usage = { input_tokens: 7, output_tokens: 2, output_tokens_details: { reasoning_tokens: 1 }, total_tokens: 9 }

  it('what only tells of progress is no content', () => {
    expect(read(typed('response.created', { response: { error: null, usage: null } }))).toEqual(nothing)
    expect(read(typed('response.output_item.added', { item: { type: 'message' } }))).toEqual(nothing)
  })

  it.each(['response.output_text.delta', 'response.function_call_arguments.delta'])('%s is content', (type) => {
    expect(read(typed(type, { delta: 'x' }))).toEqual(piece)
    expect(read(typed(type, { delta: 'x' }), true)).toEqual(piece)
  })

  it.each(['response.completed', 'response.incomplete'])('%s is the end and has the usage', (type) => {
    for (const afterContent of [false, true]) {
      expect(read(typed(type, { response: { status: 'completed', error: null, usage } }), afterContent)).toEqual({
        ...piece,
        usage: { inputTokens: 7, outputTokens: 2, thinkingTokens: 1 },
        isLast: true,
      })
    }
  })

  it('response.failed is an error', () => {
    const text = typed('response.failed', { response: { error: { code: 'server_error', message: 'x' } } })
    expect(read(text)).toEqual(error)
    expect(read(text, true)).toEqual(error)
  })

  it('a delta that quotes the end is content', () => {
    const text = typed('response.output_text.delta', { delta: '{"type":"response.completed","response":{}}' })
    expect(read(text, true)).toEqual(piece)
  })
})

describe('errors after HTTP 200', () => {
  const shapes: [string, string][] = [
    ...Object.entries(inStreamErrors),
    ['flat', event({ code: 'Throttling.RateQuota', message: 'Requests rate limit exceeded', request_id: 'x' })],
    ['flat, the message first', event({ message: 'Requests rate limit exceeded', code: 'Throttling.RateQuota' })],
    ['a name alone', 'event: error\ndata: overloaded\n\n'],
    ['a status alone', ':HTTP_STATUS/503\n\n'],
  ]

  it.each(shapes)('%s, before content and after', (_, text) => {
    expect(read(text)).toEqual(error)
    expect(read(text, true)).toEqual(error)
  })
})
