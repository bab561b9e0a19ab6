import type { Answer, Segment } from './answer.js'

/** What a request used, in tokens. */
export interface Account {
  readonly inputTokens: number
  /** Of the input. */
  readonly cachedTokens: number
  /** Thinking included. */
  readonly outputTokens: number
  readonly reasoningTokens: number
}

/** What stands in every answer and chunk. */
export interface AnswerHead {
  readonly requestId: string
  readonly model: string
  /** Epoch seconds. */
  readonly created: number
}

/** A piece of a part of an answer. */
export interface Piece {
  /** Which of the request's answers it belongs to. */
  readonly choice: number
  readonly segment: Segment
  readonly text: string
  /** It is the first, or the last, of its segment. */
  readonly first: boolean
  readonly last: boolean
}

/** How an endpoint writes its answers. All but `plain` give the lines of events of a stream, or nothing. */
export interface TextFormat {
  plain(answers: readonly Answer[], account: Account | undefined): string
  /** Before the first piece. */
  opening(): string
  piece(piece: Piece): string
  /** One answer is whole. */
  closing(choice: number, answer: Answer): string
  /** All answers are whole; `account` where it is to be told. */
  ending(account: Account | undefined): string
}

/** The account of several answers to one input. */
export function accountOf(inputTokens: number, cachedTokens: number, answers: readonly Answer[]): Account {
  let [outputTokens, reasoningTokens] = [0, 0]
  for (const answer of answers) {
    outputTokens += answer.tokens
    reasoningTokens += answer.reasoningTokens
  }
  return { inputTokens, cachedTokens, outputTokens, reasoningTokens }
}
