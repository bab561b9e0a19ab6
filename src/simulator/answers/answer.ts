import { Random } from '../random.js'
import type { SimulatedRequest } from '../requests/request.js'

/** One tool call of a scripted answer. */
export interface ScriptedToolCall {
  readonly name: string
  /** The arguments. An object is sent as its JSON, a string unchanged. @default {} */
  readonly arguments?: string | object
}

/** An answer that a script supplies in place of a drawn one. */
export interface ScriptedAnswer {
  /** The text. @default '' */
  readonly content?: string
  /** The thinking. It comes before the content and counts as output. @default '' */
  readonly reasoning?: string
  /** The tool calls. They come after the content. @default [] */
  readonly toolCalls?: readonly ScriptedToolCall[]
  /** The output tokens of the whole answer, thinking included. @default the sum of `countTokens` over the parts */
  readonly outputTokens?: number
}

/**
 * Returns one answer of the model. The simulator calls it once for each answer of a request. `choice` counts the
 * answers from 0.
 */
export type AnswerScript = (request: SimulatedRequest, choice: number) => string | ScriptedAnswer

/** One part of an answer: thinking, text or a tool call. Parts are generated in order. */
export interface Segment {
  readonly kind: 'reasoning' | 'content' | 'tool'
  /** The arguments, for a tool call. */
  readonly text: string
  readonly tokens: number
  /** The called tool. `index` counts the tool calls of an answer from 0. */
  readonly call?: { readonly id: string; readonly name: string; readonly index: number }
}

/** What the model generates for one choice, already cut at the output cap. */
export interface Answer {
  readonly segments: readonly Segment[]
  /** The output tokens, thinking included. */
  readonly tokens: number
  /** How many of `tokens` are thinking. They are generated first. */
  readonly reasoningTokens: number
  readonly finishReason: 'stop' | 'length' | 'tool_calls'
}

/**
 * Words of three letters. With its space each has four bytes, so the default count of a text (bytes / 4) is its number
 * of words. With longer words, the counted tokens of an answer's text would exceed its drawn tokens.
 */
const WORDS = 'the sea and its ebb may run far out but low sun era dry bed ice fog rim dam'.split(' ')
/**
 * The spread of drawn answer lengths: the standard deviation of the logarithm of the length. It has no unit.
 *
 * Chosen: two thirds of the answers have between 0.46 and 1.5 times the mean length. With a larger spread, a few
 * answers are very long and averages of short runs vary. At 0 every answer has the mean length, and estimates of output
 * are not tested.
 */
const SIGMA = 0.6

let corpus = ''

/**
 * A text of at least twice `tokens` words. It is made once. A drawn answer is a slice of it, which costs almost
 * nothing.
 */
function corpusFor(tokens: number): string {
  if (corpus.length < 8 * tokens) {
    const random = new Random(1)
    const words = Math.max(8192, 2 ** Math.ceil(Math.log2(2 * tokens)))
    corpus = `${Array.from({ length: words }, () => WORDS[random.uint32() % WORDS.length]).join(' ')} `
  }
  return corpus
}

/**
 * A length in tokens, at least 1, drawn from a log-normal distribution with this mean: many short answers and a few
 * long ones.
 */
export function drawnTokens(random: Random, meanTokens: number): number {
  return Math.max(1, Math.round(meanTokens * Math.exp(SIGMA * random.normal() - (SIGMA * SIGMA) / 2)))
}

/**
 * A text of `tokens` words, and so of `tokens` tokens by the default count. It begins at one of the first 4,096 words
 * of the long text, so texts differ.
 */
export function drawnText(random: Random, tokens: number): string {
  const start = 4 * (random.uint32() % 4096)
  return corpusFor(Math.max(4096, tokens)).slice(start, start + 4 * tokens)
}

/** The parts of a scripted answer, with their tokens. An empty answer has one empty part. */
export function segmentsOfScript(
  script: string | ScriptedAnswer,
  countTokens: (text: string) => number,
  random: Random,
): Segment[] {
  const {
    content = '',
    reasoning = '',
    toolCalls = [],
    outputTokens,
  }: ScriptedAnswer = typeof script === 'string' ? { content: script } : script
  const parts: Segment[] = []
  if (reasoning !== '') parts.push({ kind: 'reasoning', text: reasoning, tokens: countTokens(reasoning) })
  if (content !== '' || toolCalls.length === 0) {
    parts.push({ kind: 'content', text: content, tokens: countTokens(content) })
  }
  for (const [index, { name, arguments: args = {} }] of toolCalls.entries()) {
    const text = typeof args === 'string' ? args : JSON.stringify(args)
    parts.push(toolSegment(name, text, index, countTokens, random))
  }
  return outputTokens === undefined ? parts : spread(parts, outputTokens)
}

/** The part for one tool call. Its tokens are those of the name and the arguments, at least 1. */
export function toolSegment(
  name: string,
  text: string,
  index: number,
  countTokens: (text: string) => number,
  random: Random,
): Segment {
  const id = `call_${random.uuid().replaceAll('-', '').slice(0, 24)}`
  return { kind: 'tool', text, tokens: Math.max(1, countTokens(name + text)), call: { id, name, index } }
}

/** The answer that consists of these parts, cut after `cap` tokens. A part that gets no token is left out. */
export function answerOf(segments: readonly Segment[], cap: number): Answer {
  const whole = segments.reduce((sum, { tokens }) => sum + tokens, 0)
  let left = cap
  const kept = segments.flatMap((segment): Segment[] => {
    const tokens = Math.min(segment.tokens, left)
    if (tokens === segment.tokens) {
      left -= tokens
      return [segment]
    }
    left = 0
    return tokens === 0 ? [] : [{ ...segment, tokens, text: pieceOf(segment.text, segment.tokens, 0, tokens) }]
  })
  const called = segments.some(({ kind }) => kind === 'tool')
  return {
    segments: kept,
    tokens: Math.min(whole, cap),
    reasoningTokens: kept.reduce((sum, { kind, tokens }) => sum + (kind === 'reasoning' ? tokens : 0), 0),
    finishReason: whole > cap ? 'length' : called ? 'tool_calls' : 'stop',
  }
}

/** The joined text of all parts of one kind. */
export function textOf(answer: Answer, kind: 'reasoning' | 'content'): string {
  let text = ''
  for (const segment of answer.segments) if (segment.kind === kind) text += segment.text
  return text
}

/**
 * The piece of `text` from token `from` to token `to`, where the whole text has `tokens` tokens. It never splits a
 * surrogate pair.
 */
export function pieceOf(text: string, tokens: number, from: number, to: number): string {
  return text.slice(offsetOf(text, tokens, from), offsetOf(text, tokens, to))
}

/** Distributes `tokens` over the parts in proportion to their own tokens. */
function spread(parts: readonly Segment[], tokens: number): Segment[] {
  const whole = parts.reduce((sum, part) => sum + part.tokens, 0)
  let counted = 0
  let given = 0
  return parts.map((part, i) => {
    counted += part.tokens
    const upTo = i === parts.length - 1 ? tokens : Math.round((tokens * counted) / Math.max(1, whole))
    const own = upTo - given
    given = upTo
    return { ...part, tokens: own }
  })
}

function offsetOf(text: string, tokens: number, token: number): number {
  if (token <= 0) return 0
  if (token >= tokens) return text.length
  const offset = Math.floor((token * text.length) / tokens)
  const unit = text.charCodeAt(offset)
  return unit >= 0xdc00 && unit <= 0xdfff ? offset + 1 : offset
}
