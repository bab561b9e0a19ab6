import { pieceOf } from './answers.js'
import type { Answer } from './answers.js'
import type { ReportedUsage, TextFormat } from './chat.js'
import type { Exchange } from './exchange.js'
import type { Fault } from './faults.js'
import { Generation } from './generation.js'
import type { Pace } from './generation.js'

/** What one stream is to say. */
export interface StreamPlan {
  readonly answer: Answer
  readonly format: TextFormat
  /** Told at the end; undefined where nothing is to be told. */
  readonly usage: ReportedUsage | undefined
  readonly pace: Pace
  readonly chunkTokens: number
  readonly fault: Fault | undefined
}

/** Streams an answer as server-sent events, up to its end or the point at which the fault sets in. */
export function streamAnswer(exchange: Exchange, plan: StreamPlan): void {
  const { answer, format, usage, fault } = plan
  const lastChunk = chunksBeforeFault(fault)
  let text = format.opening
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

  const generation = new Generation(exchange, plan.pace, answer.tokens, plan.chunkTokens, {
    chunk: (from, to) => {
      text += eventsOf(answer, format, from, to)
      chunks += 1
      if (chunks < lastChunk) return
      generation.stop()
      breakOff()
    },
    flush: (done) => {
      if (done && lastChunk !== Infinity) return breakOff()
      open()
      if (done) {
        const account = usage === undefined ? '' : format.usage(usage)
        exchange.endStream(`${text}${format.closing(answer.finishReason)}${account}data: [DONE]\n\n`)
      } else exchange.write(text)
      text = ''
    },
  })
  generation.start()
}

/** How many chunks with text come before the stream goes wrong; Infinity where it does not. */
function chunksBeforeFault(fault: Fault | undefined): number {
  if (fault === undefined) return Infinity
  if ('cutAfterChunks' in fault) return fault.cutAfterChunks
  return 'streamError' in fault ? (fault.afterChunks ?? 0) : Infinity
}

function eventsOf(answer: Answer, format: TextFormat, from: number, to: number): string {
  const { content, reasoning, tokens, reasoningTokens } = answer
  let events = ''
  if (from < reasoningTokens) events += format.reasoning(pieceOf(reasoning, reasoningTokens, from, to))
  if (to > reasoningTokens) {
    events += format.content(
      pieceOf(content, tokens - reasoningTokens, Math.max(0, from - reasoningTokens), to - reasoningTokens),
    )
  }
  return events
}

function errorEvent(error: unknown): string {
  return typeof error === 'string' ? `${error}\n\n` : `data: ${JSON.stringify(error)}\n\n`
}
