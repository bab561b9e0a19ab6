import { Random } from '../random.js'
import type { SimulatedRequest } from '../requests/request.js'

/** A call of one of the request's tools. */
export interface ScriptedToolCall {
  readonly name: string
  /** An object goes out as its JSON. @default {} */
  readonly arguments?: string | object
}

/** What the model is to say. */
export interface ScriptedAnswer {
  /** @default '' */
  readonly content?: string
  /** Its thinking, which comes before the content and counts as output. */
  readonly reasoning?: string
  /** The tools that it calls, after the content. */
  readonly toolCalls?: readonly ScriptedToolCall[]
  /** Tokens of all of it together. @default what `countTokens` says of each part */
  readonly outputTokens?: number
}

/** Says what the model is to say; asked once for each of a request's answers, `choice` counted from 0. */
export type AnswerScript = (request: SimulatedRequest, choice: number) => string | ScriptedAnswer

/** A part of an answer, in the order in which the parts are generated. */
export interface Segment {
  readonly kind: 'reasoning' | 'content' | 'tool'
  /** Of a tool call, its arguments. */
  readonly text: string
  readonly tokens: number
  /** The tool that is called. */
  readonly call?: { readonly id: string; readonly name: string; readonly index: number }
}

/** What will be generated, after the cap. */
export interface Answer {
  readonly segments: readonly Segment[]
  /** Thinking included. */
  readonly tokens: number
  /** Thinking comes first. */
  readonly reasoningTokens: number
  readonly finishReason: 'stop' | 'length' | 'tool_calls'
}

/** Words of four characters with their space, so that a token is a word under the simulator's own count. */
const WORDS = 'the sea and its ebb may run far out but low sun era dry bed ice fog rim dam'.split(' ')
const SIGMA = 0.6

let corpus = ''

/** A long text, made once, that answers are slices of: they cost nothing to make. At least twice `tokens` long. */
function corpusFor(tokens: number): string {
  if (corpus.length < 8 * tokens) {
    const random = new Random(1)
    const words = Math.max(8192, 2 ** Math.ceil(Math.log2(2 * tokens)))
    corpus = `${Array.from({ length: words }, () => WORDS[random.uint32() % WORDS.length]).join(' ')} `
  }
  return corpus
}

/** A length drawn from a log-normal distribution with this mean: many short ones, a few long. */
export function drawnTokens(random: Random, meanTokens: number): number {
  return Math.max(1, Math.round(meanTokens * Math.exp(SIGMA * random.normal() - (SIGMA * SIGMA) / 2)))
}

/** Text of so many tokens. */
export function drawnText(random: Random, tokens: number): string {
  const start = 4 * (random.uint32() % 4096)
  return corpusFor(Math.max(4096, tokens)).slice(start, start + 4 * tokens)
}

/** The answer that a script gave, counted. */
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

/** A call of a tool; its name counts as well as its arguments. */
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

/** The answer made of these parts, cut at the cap. What no token is left for is not said. */
export function answerOf(segments: readonly Segment[], cap: number): Answer {
  const whole = segments.reduce((sum, { tokens }) => sum + tokens, 0)
  let left = cap
  const said = segments.flatMap((segment): Segment[] => {
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
    segments: said,
    tokens: Math.min(whole, cap),
    reasoningTokens: said.reduce((sum, { kind, tokens }) => sum + (kind === 'reasoning' ? tokens : 0), 0),
    finishReason: whole > cap ? 'length' : called ? 'tool_calls' : 'stop',
  }
}

/** All text of one kind. */
export function textOf(answer: Answer, kind: 'reasoning' | 'content'): string {
  let text = ''
  for (const segment of answer.segments) if (segment.kind === kind) text += segment.text
  return text
}

/** The part of a text of `tokens` tokens from one token to another; never cuts a character in two. */
export function pieceOf(text: string, tokens: number, from: number, to: number): string {
  return text.slice(offsetOf(text, tokens, from), offsetOf(text, tokens, to))
}

/** Gives `tokens` to the parts in proportion to their own. */
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
