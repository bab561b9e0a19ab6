import { isHeadgateError } from '../../errors.js'
import { answerOf } from '../answers/answer.js'
import { chatFormat } from '../answers/chat-format.js'
import { embeddingsBody } from '../answers/answer-embeddings.js'
import { accountOf } from '../answers/text-format.js'
import { plainText } from '../answers/answer-text.js'
import type { Random } from '../random.js'
import { parseFields } from '../requests/request.js'
import type { Service } from '../service.js'
import { batchRoutes, TEST_ENDPOINT } from './validate-input.js'
import type { InputLine } from './validate-input.js'

/** The result of one line, as the output file contains it. */
export interface LineResult {
  readonly failed: boolean
  readonly text: string
}

/** The fixed answer of the test endpoint (documented). */
const TEST_ANSWER = 'This is a test result.'

/** One line of a batch to answer. */
export interface LineOrder {
  readonly endpoint: string
  readonly input: InputLine
  /** The number of the line, from 1. */
  readonly line: number
  readonly random: Random
  /** When the line is answered, in epoch seconds. */
  readonly created: number
}

/** Answers one line of a batch. The real-time limits do not apply. */
export function answerLine(service: Service, order: LineOrder): LineResult {
  const [id, requestId] = [order.random.uuid(), order.random.uuid()]
  const { status, answer } = resultOf(service, order, requestId)
  const failed = status >= 400
  const error = failed ? errorOf(answer) : null
  const response = { status_code: status, request_id: requestId, body: answer }
  return { failed, text: JSON.stringify({ id, custom_id: order.input.customId, response, error }) }
}

function resultOf(
  service: Service,
  { endpoint, input: { customId, body }, line, random, created }: LineOrder,
  requestId: string,
): { readonly status: number; readonly answer: unknown } {
  const { settings } = service
  const failure = settings.batch.failLine?.({ line, customId, body })
  if (failure !== undefined) return { status: failure.status, answer: failure.body }
  if (endpoint === TEST_ENDPOINT) return { status: 200, answer: testAnswer(String(body['model']), requestId, created) }
  const route = batchRoutes[endpoint] ?? 'chat'
  try {
    const parsed = parseFields(route, { ...body, stream: false }, service.rules)
    const request = { ...parsed, id: requestId, n: line, apiKey: undefined, headers: {} }
    const text =
      route === 'embeddings' ? embeddingsBody(request, settings) : plainText(request, settings, random, created).body
    return { status: 200, answer: JSON.parse(text) as unknown }
  } catch (error) {
    if (!isHeadgateError(error, 'invalid_request')) throw error
    return { status: 400, answer: JSON.parse(service.dialect.badRequest(error.message, requestId)) as unknown }
  }
}

function testAnswer(model: string, requestId: string, created: number): unknown {
  const answer = answerOf([{ kind: 'content', text: TEST_ANSWER, tokens: 6 }], 6)
  const format = chatFormat({ requestId, model, created }, 1, true)
  return JSON.parse(format.plain([answer], accountOf(20, 0, [answer]))) as unknown
}

/** The `error` of a failed line. The output line has it beside the response body. */
function errorOf(answer: unknown): unknown {
  const error = (answer as { error?: { code?: unknown; message?: unknown } } | null)?.error
  return { code: error?.code ?? null, message: error?.message ?? null }
}
