import { Random } from './random.js'
import type { SimulatedRequest } from './request.js'

/** What the model is to say. */
export interface ScriptedAnswer {
  readonly content: string
  /** Its thinking, which comes before the content and counts as output. */
  readonly reasoning?: string
  /** Tokens of thinking and content together. @default what `countTokens` says of both */
  readonly outputTokens?: number
}

export type AnswerScript = (request: SimulatedRequest) => string | ScriptedAnswer

/** What will be generated, after the cap. */
export interface Answer {
  readonly content: string
  readonly reasoning: string
  /** Thinking included. */
  readonly tokens: number
  readonly reasoningTokens: number
  readonly finishReason: 'stop' | 'length'
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

/** An answer whose length is drawn from a log-normal distribution with this mean: many short ones, a few long. */
export function drawnAnswer(random: Random, meanTokens: number, cap: number): Answer {
  const drawn = Math.round(meanTokens * Math.exp(SIGMA * random.normal() - (SIGMA * SIGMA) / 2))
  const tokens = Math.min(Math.max(1, drawn), cap)
  const start = 4 * (random.uint32() % 4096)
  const content = corpusFor(Math.max(4096, tokens)).slice(start, start + 4 * tokens)
  return { content, reasoning: '', tokens, reasoningTokens: 0, finishReason: drawn > cap ? 'length' : 'stop' }
}

/** The answer that a script gave, counted and cut at the cap. Text that no token is left for is not said. */
export function scriptedAnswer(
  script: string | ScriptedAnswer,
  countTokens: (text: string) => number,
  cap: number,
): Answer {
  const { content, reasoning = '', outputTokens } = typeof script === 'string' ? { content: script } : script
  const [thought, said] = [reasoning === '' ? 0 : countTokens(reasoning), countTokens(content)]
  const whole = outputTokens ?? thought + said
  const thinking = thought === 0 ? 0 : Math.round((whole * thought) / (thought + said))
  const tokens = Math.min(whole, cap)
  const reasoningTokens = Math.min(thinking, cap)
  return {
    content: pieceOf(content, whole - thinking, 0, tokens - reasoningTokens),
    reasoning: pieceOf(reasoning, thinking, 0, reasoningTokens),
    tokens,
    reasoningTokens,
    finishReason: whole > cap ? 'length' : 'stop',
  }
}

/** The part of a text of `tokens` tokens from one token to another; never cuts a character in two. */
export function pieceOf(text: string, tokens: number, from: number, to: number): string {
  return text.slice(offsetOf(text, tokens, from), offsetOf(text, tokens, to))
}

function offsetOf(text: string, tokens: number, token: number): number {
  if (token <= 0) return 0
  if (token >= tokens) return text.length
  const offset = Math.floor((token * text.length) / tokens)
  const unit = text.charCodeAt(offset)
  return unit >= 0xdc00 && unit <= 0xdfff ? offset + 1 : offset
}
