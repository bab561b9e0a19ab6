import { drawnAnswer, scriptedAnswer } from './answers.js'
import type { Answer } from './answers.js'
import { chatFormat, completionFormat, reportedUsage } from './chat.js'
import type { Exchange } from './exchange.js'
import type { Fault } from './faults.js'
import { drawnPace, Generation } from './generation.js'
import type { Settings } from './options.js'
import { sendPlain } from './plain.js'
import type { SimulatedRequest } from './request.js'
import { streamAnswer } from './stream.js'

/** The most that may be generated for a request, and what is reserved for it. */
export function outputCap(request: SimulatedRequest, settings: Settings): number {
  if (request.route === 'embeddings') return 0
  return Math.min(request.maxTokens ?? Infinity, settings.maxOutputTokens)
}

/** Answers a chat or a text completion, plain or streamed. */
export function answerText(
  exchange: Exchange,
  request: SimulatedRequest,
  settings: Settings,
  fault: Fault | undefined,
): void {
  const answer = answerOf(exchange, request, settings)
  const head = { requestId: exchange.id, model: request.model, created: Math.floor(exchange.arrivedAt / 1000) }
  const format = request.route === 'chat' ? chatFormat(head) : completionFormat(head)
  const pace = delayed(drawnPace(settings.latency, exchange.random), fault)
  const account = reportedUsage(request.inputTokens, answer.tokens, answer.reasoningTokens)
  const usage = fault !== undefined && 'noUsage' in fault ? undefined : account
  const { chunkTokens, chargesOutput } = settings
  if (request.stream) {
    const told = request.includeUsage ? usage : undefined
    return streamAnswer(exchange, { answer, format, usage: told, pace, chunkTokens, fault })
  }
  const generation = new Generation(
    exchange,
    pace,
    answer.tokens,
    chargesOutput === 'generated' ? chunkTokens : Infinity,
    {
      chunk: () => undefined,
      flush: (done) => {
        if (done) sendPlain(exchange, format.plain(answer, usage), fault)
      },
    },
  )
  generation.start()
}

function answerOf(exchange: Exchange, request: SimulatedRequest, settings: Settings): Answer {
  const cap = outputCap(request, settings)
  if (settings.answer === undefined) return drawnAnswer(exchange.random, settings.meanOutputTokens, cap)
  return scriptedAnswer(settings.answer(request), settings.countTokens, cap)
}

function delayed(pace: ReturnType<typeof drawnPace>, fault: Fault | undefined): ReturnType<typeof drawnPace> {
  const delayMs = fault?.delayMs ?? 0
  return delayMs === 0 ? pace : { ...pace, firstTokenMs: pace.firstTokenMs + delayMs }
}
