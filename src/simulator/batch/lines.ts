import { isHeadgateError } from '../../errors.js'
import { answerOf } from '../answers/answers.js'
import { chatFormat } from '../answers/chat.js'
import { embeddingsBody } from '../answers/embeddings.js'
import { accountOf } from '../answers/format.js'
import { plainText } from '../answers/text.js'
import type { Random } from '../random.js'
import { parseFields } from '../requests/request.js'
import type { Service } from '../service.js'
import { batchRoutes, TEST_ENDPOINT } from './validation.js'
import type { InputLine } from './validation.js'

/** The result of one line, as the output file contains it. */
export interface LineResult {
  readonly failed: boolean
  readonly text: string
}

/** The fixed answer of the test endpoint (documented). */
const TEST_ANSWER = 'This is a test result.'

/**
 * Answers one line of a batch. The real-time limits do not apply. `line` counts from 1, `created` is in epoch seconds.
 */
export function answerLine(
  service: Service,
  endpoint: string,
  { customId, body }: InputLine,
  line: number,
  random: Random,
  created: number,
): LineResult {
  const [id, requestId] = [random.uuid(), random.uuid()]
  const { status, answer } = resultOf(service, endpoint, { customId, body }, line, random, created, requestId)
  const failed = status >= 400
  const error = failed ? errorOf(answer) : null
  const response = { status_code: status, request_id: requestId, body: answer }
  return { failed, text: JSON.stringify({ id, custom_id: customId, response, error }) }
}

function resultOf(
  service: Service,
  endpoint: string,
  { customId, body }: InputLine,
  line: number,
  random: Random,
  created: number,
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
