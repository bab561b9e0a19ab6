import type { Answer, Segment } from './answer.js'

/** The tokens that a request used. */
export interface Account {
  readonly inputTokens: number
  /** How many of the input tokens came from the service's cache. */
  readonly cachedTokens: number
  /** Including the thinking tokens. */
  readonly outputTokens: number
  readonly reasoningTokens: number
}

/** The fields that every response and every chunk carries. */
export interface AnswerHead {
  readonly requestId: string
  readonly model: string
  /** Epoch seconds. */
  readonly created: number
}

/** A piece of one part of an answer, as one chunk of a stream carries it. */
export interface Piece {
  /** The index of the answer, from 0. */
  readonly choice: number
  readonly segment: Segment
  readonly text: string
  /** Whether the piece is the first of its segment, and whether it is the last. */
  readonly first: boolean
  readonly last: boolean
}

/**
 * How an endpoint serializes its answers. `plain` returns a whole body. The other methods return events of a stream, or
 * ''.
 */
export interface TextFormat {
  plain(answers: readonly Answer[], account: Account | undefined): string
  /** The events before the first piece. */
  opening(): string
  /** The events for one piece. */
  piece(piece: Piece): string
  /** The events after the last piece of one answer. */
  closing(choice: number, answer: Answer): string
  /** The events after all answers. `account` is undefined if the stream does not report usage. */
  ending(account: Account | undefined): string
}

/** The tokens of a request with several answers: the input counts once, the output of every answer counts. */
export function accountOf(inputTokens: number, cachedTokens: number, answers: readonly Answer[]): Account {
  let [outputTokens, reasoningTokens] = [0, 0]
  for (const answer of answers) {
    outputTokens += answer.tokens
    reasoningTokens += answer.reasoningTokens
  }
  return { inputTokens, cachedTokens, outputTokens, reasoningTokens }
}
