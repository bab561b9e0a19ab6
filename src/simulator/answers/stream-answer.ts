import type { Exchange } from '../exchange.js'
import type { Fault } from '../faults/faults.js'
import { pieceOf } from './answer.js'
import type { Answer } from './answer.js'
import type { Account, TextFormat } from './text-format.js'
import { Generation } from './generation.js'
import type { GenerationPace } from './generation.js'

/** The contents of one stream. */
export interface StreamPlan {
  readonly answers: readonly Answer[]
  readonly format: TextFormat
  /** The usage that the last event reports. Undefined: the stream reports none. */
  readonly account: Account | undefined
  readonly pace: GenerationPace
  readonly chunkTokens: number
  readonly fault: Fault | undefined
}

/** Sends answers as server-sent events, up to their end or to the chunk at which the fault occurs. */
export function streamAnswer(exchange: Exchange, plan: StreamPlan): void {
  const { answers, format, account, fault } = plan
  const longest = Math.max(0, ...answers.map(({ tokens }) => tokens))
  const lastChunk = chunksBeforeFault(fault)
  let text = format.opening()
  let chunks = 0

  const open = (): void => {
    if (exchange.entry.status === 0) exchange.openStream()
  }
  const breakOff = (): void => {
    open()
    if (fault === undefined || !('streamError' in fault)) return exchange.tear(text)
    exchange.endStream(text + errorEvent(fault.streamError))
  }
  if (lastChunk === 0) return exchange.after(plan.pace.firstTokenMs, breakOff)

  const generation = new Generation(exchange, plan.pace, answers, plan.chunkTokens, {
    chunk: (from, to) => {
      for (const [choice, answer] of answers.entries()) {
        text += piecesOf(answer, choice, format, from, to)
        const { tokens } = answer
        if (tokens > from && tokens <= to && tokens < longest) text += format.closing(choice, answer)
      }
      chunks += 1
      if (chunks < lastChunk) return
      generation.stop()
      breakOff()
    },
    flush: (done) => {
      if (done && lastChunk !== Infinity) return breakOff()
      open()
      if (done) {
        for (const [choice, answer] of answers.entries()) {
          if (answer.tokens === 0 || answer.tokens === longest) text += format.closing(choice, answer)
        }
        exchange.endStream(text + format.ending(account))
      } else exchange.write(text)
      text = ''
    },
  })
  generation.start()
}

/** How many chunks with text precede the fault. Infinity without such a fault. */
function chunksBeforeFault(fault: Fault | undefined): number {
  if (fault === undefined) return Infinity
  if ('cutAfterChunks' in fault) return fault.cutAfterChunks
  return 'streamError' in fault ? (fault.afterChunks ?? 0) : Infinity
}

/** The events for tokens `from` to `to` of one answer. */
function piecesOf(answer: Answer, choice: number, format: TextFormat, from: number, to: number): string {
  let events = ''
  let start = 0
  for (const segment of answer.segments) {
    const [first, last] = [Math.max(from - start, 0), Math.min(to - start, segment.tokens)]
    if (first < last) {
      const text = pieceOf(segment.text, segment.tokens, first, last)
      events += format.piece({ choice, segment, text, first: first === 0, last: last === segment.tokens })
    }
    start += segment.tokens
  }
  return events
}

function errorEvent(error: unknown): string {
  return typeof error === 'string' ? `${error}\n\n` : `data: ${JSON.stringify(error)}\n\n`
}
