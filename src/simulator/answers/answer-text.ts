import type { Exchange } from '../exchange.js'
import type { Fault } from '../faults/faults.js'
import type { Random } from '../random.js'
import type { SimulatedRequest } from '../requests/request.js'
import type { Settings } from '../settings/settings.js'
import type { Answer } from './answer.js'
import { chatFormat, completionFormat } from './chat-format.js'
import { drawAnswers } from './draw-answers.js'
import { accountOf } from './text-format.js'
import type { Account, AnswerHead, TextFormat } from './text-format.js'
import { drawnPace, Generation } from './generation.js'
import type { GenerationPace } from './generation.js'
import { sendPlain } from './send-plain.js'
import { ResponsesFormat } from './responses-format.js'
import { streamAnswer } from './stream-answer.js'

/** Answers a chat completion, a text completion or a Responses request, streamed or not. */
export function answerText(
  exchange: Exchange,
  request: SimulatedRequest,
  settings: Settings,
  fault: Fault | undefined,
): void {
  const answers = drawAnswers(request, settings, exchange.random)
  const head = { requestId: exchange.id, model: request.model, created: Math.floor(exchange.arrivedAt / 1000) }
  const format = formatOf(request, head, settings)
  const pace = paceUnder(fault, drawnPace(settings.latency, exchange.random), answers, request.stream)
  const whole = accountOf(request.inputTokens, cachedTokens(request, settings), answers)
  const account = fault !== undefined && 'noUsage' in fault ? undefined : whole
  const { chunkTokens, outputAccounting } = settings
  if (request.stream) {
    const reported = request.includeUsage ? account : undefined
    return streamAnswer(exchange, { answers, format, account: reported, pace, chunkTokens, fault })
  }
  const pieces = outputAccounting === 'generated' ? chunkTokens : Infinity
  const generation = new Generation(exchange, pace, answers, pieces, {
    chunk: () => undefined,
    flush: (done) => {
      if (done) sendPlain(exchange, format.plain(answers, account), fault)
    },
  })
  generation.start()
}

/** The body of a response that is not streamed, and the tokens that it used. */
export function plainText(
  request: SimulatedRequest,
  settings: Settings,
  random: Random,
  created: number,
): { readonly body: string; readonly account: Account } {
  const answers = drawAnswers(request, settings, random)
  const account = accountOf(request.inputTokens, cachedTokens(request, settings), answers)
  const format = formatOf(request, { requestId: request.id, model: request.model, created }, settings)
  return { body: format.plain(answers, account), account }
}

/** How many input tokens come from the service's cache. */
export function cachedTokens({ inputTokens }: SimulatedRequest, { cachedShare }: Settings): number {
  return Math.floor(inputTokens * cachedShare)
}

function formatOf(request: SimulatedRequest, head: AnswerHead, settings: Settings): TextFormat {
  if (request.route === 'responses') return new ResponsesFormat(head, request.body)
  if (request.route === 'chat') return chatFormat(head, request.choices, settings.showsReasoning)
  return completionFormat(head)
}

/**
 * The pace with the delay of the fault. A slow body of a stream takes its time between the first and the last token.
 */
function paceUnder(
  fault: Fault | undefined,
  pace: GenerationPace,
  answers: readonly Answer[],
  stream: boolean,
): GenerationPace {
  if (fault === undefined) return pace
  const firstTokenMs = pace.firstTokenMs + (fault.delayMs ?? 0)
  if (!('slowBodyMs' in fault) || !stream) return { ...pace, firstTokenMs }
  const longest = Math.max(1, ...answers.map(({ tokens }) => tokens))
  return { firstTokenMs, perTokenMs: fault.slowBodyMs / Math.max(1, longest - 1) }
}
