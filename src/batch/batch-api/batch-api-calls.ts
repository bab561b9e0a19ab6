import { isJsonObject, parsedJson, type JsonObject } from '../../json.js'
import { FetchCall } from '../../transport/fetch-call.js'
import { withSettings } from '../../transport/hints.js'
import { errorIn } from '../file/batch-record.js'
import { headersOf, redacted, type Service } from '../run/send-line.js'
import { uploadForm, type UploadFile } from './upload-form.js'

/**
 * The fault of a failed Batch API call. `unknown`: no usable answer came, and the service may have executed the call.
 * After every other fault, the service did not execute it.
 */
export type CallFault = 'unauthorized' | 'missing' | 'busy' | 'refused' | 'unknown'

export class CallFailed extends Error {
  readonly fault: CallFault

  constructor(fault: CallFault, message: string) {
    super(message)
    this.name = new.target.name
    this.fault = fault
  }
}

/** The fields of a batch that this client reads. */
export interface BatchObject {
  readonly id: string
  readonly status: string
  readonly inputFileId: string | undefined
  readonly outputFileId: string | undefined
  readonly errorFileId: string | undefined
  readonly completed: number
  readonly failed: number
  /** The service's error messages about the input file. */
  readonly errors: readonly string[]
}

/**
 * Maximum time of one upload, in ms. Chosen: 500 MB take less than this at 0.6 Mbit/s.
 * A smaller value aborts uploads over slow lines. A larger value waits longer for a stalled one.
 */
const UPLOAD_TIMEOUT_MS = 2 * 3_600_000
/**
 * Maximum length of an answer that is not a file, in UTF-16 code units. Chosen. The client reads no more than this.
 * A smaller value truncates long lists. A larger value lets a wrong server fill the memory.
 */
const MAX_ANSWER_CHARS = 16 * 1024 * 1024
/** Rows of each page of a list. Chosen. A larger page may exceed the service's maximum. A smaller page costs more calls. */
const PAGE_SIZE = 100
/**
 * Maximum number of pages of one list. Chosen: 100,000 rows.
 * A smaller value fails for accounts with many files. A larger value delays the error for a list without an end.
 */
const MAX_PAGES = 1000
/**
 * Maximum difference between the service's own timestamps, in seconds. Chosen.
 * A smaller value may end the search before the batch, which is then submitted twice. A larger value reads more pages.
 */
const CLOCK_SLACK_SECONDS = 3600

/** Calls the service's file and batch endpoints through the limiter. It retries no call: only the caller knows which is safe. */
export class BatchApiCalls {
  readonly #service: Service

  constructor(service: Service) {
    this.#service = service
  }

  /** Uploads a file and resolves to its id and its creation time in epoch seconds. @throws CallFailed */
  async upload(file: UploadFile, signal: AbortSignal): Promise<{ id: string; createdAt: number | undefined }> {
    const init = { ...(await formOf(file)), method: 'POST', signal }
    const answer = await this.#json('/files', init, UPLOAD_TIMEOUT_MS)
    return { id: idOf(answer), createdAt: numberOf(answer['created_at']) }
  }

  /** Resolves to the uploaded file with this name and length, or to undefined. @throws CallFailed */
  async findFile({ filename, bytes }: UploadFile): Promise<{ id: string; createdAt: number | undefined } | undefined> {
    for await (const file of this.#list('/files', 'purpose=batch&')) {
      if (file['filename'] === filename && file['bytes'] === bytes) {
        return { id: idOf(file), createdAt: numberOf(file['created_at']) }
      }
    }
    return undefined
  }

  /** Submits a batch. @throws CallFailed */
  async create(fileId: string, endpoint: string, completionWindow: string): Promise<BatchObject> {
    const order = { input_file_id: fileId, endpoint, completion_window: completionWindow }
    return batchOf(await this.#json('/batches', { method: 'POST', body: JSON.stringify(order) }))
  }

  /** Resolves to the batch of an input file, or to undefined. @throws CallFailed */
  async findBatch(fileId: string, fileCreatedAt: number | undefined): Promise<BatchObject | undefined> {
    let firstAt: number | undefined
    for await (const fields of this.#list('/batches')) {
      if (fields['input_file_id'] === fileId) return batchOf(fields)
      const createdAt = numberOf(fields['created_at']) ?? Infinity
      firstAt ??= createdAt
      // A batch is never older than its file. The search stops at older batches only if the list has proved to descend,
      // because the service does not document the order.
      const isOlder = createdAt < (fileCreatedAt ?? -Infinity) - CLOCK_SLACK_SECONDS
      if (isOlder && createdAt < firstAt) return undefined
    }
    return undefined
  }

  /** Resolves to the current state of a batch. @throws CallFailed */
  async batch(id: string): Promise<BatchObject> {
    return batchOf(await this.#json(`/batches/${encodeURIComponent(id)}`, { method: 'GET' }))
  }

  /** Cancels a batch. Resolves to the refusal if the service refuses, as it may for an ended batch. @throws CallFailed */
  async cancel(id: string): Promise<CallFailed | undefined> {
    const response = await this.#send(`/batches/${encodeURIComponent(id)}/cancel`, { method: 'POST' })
    const text = await textOf(response)
    if (response.ok) return undefined
    const refusal = this.#refusal('/batches/…/cancel', response.status, text)
    if (response.status === 409 || refusal.fault === 'refused') return refusal
    throw refusal
  }

  /** Resolves to the content of a file as a stream. The stream throws if the download is interrupted. @throws CallFailed */
  async content(fileId: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const response = await this.#send(`/files/${encodeURIComponent(fileId)}/content`, { method: 'GET', signal })
    if (!response.ok) throw this.#refusal('/files/…/content', response.status, await textOf(response))
    return (response.body ?? new Blob([]).stream()) as AsyncIterable<Uint8Array>
  }

  async *#list(path: string, query = ''): AsyncGenerator<JsonObject> {
    let after = ''
    for (let page = 0; page < MAX_PAGES; page++) {
      const answer = await this.#json(`${path}?${query}limit=${PAGE_SIZE}${after}`, { method: 'GET' })
      const { data } = answer
      if (!Array.isArray(data)) throw new CallFailed('unknown', `${path} was answered with what is no list`)
      const rows = data.filter(isJsonObject)
      yield* rows
      const last = answer['last_id'] ?? rows.at(-1)?.['id']
      if (answer['has_more'] !== true || typeof last !== 'string') return
      after = `&after=${encodeURIComponent(last)}`
    }
    throw new CallFailed('unknown', `${path} was answered with a list that has no end`)
  }

  async #json(path: string, init: RequestInit, timeoutMs?: number): Promise<JsonObject> {
    const response = await this.#send(path, init, timeoutMs)
    const text = await textOf(response)
    if (!response.ok) throw this.#refusal(path, response.status, text)
    const value = parsedJson(text)
    if (isJsonObject(value)) return value
    throw new CallFailed('unknown', `${path} was answered with ${response.status} and what is no JSON object`)
  }

  async #send(path: string, init: RequestInit, timeoutMs = this.#service.timeoutMs): Promise<Response> {
    const { limiter, baseURL, headers, fetch } = this.#service
    const own = new Headers(headersOf(this.#service, headers))
    for (const [name, value] of new Headers(init.headers)) own.set(name, value)
    if (init.body === undefined) own.delete('content-type')
    const sent = { ...init, headers: own }
    // The limiter's own `maxRetries` would take precedence otherwise, and could submit a batch twice.
    const call = new FetchCall({ maxRetries: 0, timeoutMs: undefined })
    try {
      const settings = { fetch, timeoutMs, maxRetries: 0, coversBody: true, call }
      return await limiter.fetch(baseURL + path, withSettings(sent, settings))
    } catch (error) {
      if (init.signal?.aborted === true) throw init.signal.reason
      const { message, cause } = error as Error
      const why = cause instanceof Error ? `${message}: ${cause.message}` : message
      throw new CallFailed('unknown', redacted(`${path}: ${why}`, this.#service))
    }
  }

  #refusal(path: string, status: number, text: string): CallFailed {
    const { message } = errorIn(parsedJson(text) ?? {}, status)
    return new CallFailed(faultOf(status), redacted(`${path} was answered with ${status}: ${message}`, this.#service))
  }
}

/** @throws CallFailed */
async function formOf(file: UploadFile): Promise<RequestInit> {
  try {
    return await uploadForm({ purpose: 'batch' }, file)
  } catch (error) {
    throw new CallFailed('unknown', `'${file.path}', the lines of a batch, cannot be read: ${(error as Error).message}`)
  }
}

function faultOf(status: number): CallFault {
  if (status === 401) return 'unauthorized'
  if (status === 404 || status === 410) return 'missing'
  if (status === 429) return 'busy'
  return status >= 400 && status < 500 && status !== 408 && status !== 409 ? 'refused' : 'unknown'
}

/** @throws CallFailed */
async function textOf(response: Response): Promise<string> {
  let text = ''
  try {
    const decoder = new TextDecoder()
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true })
      if (text.length > MAX_ANSWER_CHARS) break
    }
  } catch (error) {
    throw new CallFailed('unknown', `an answer broke off: ${(error as Error).message}`)
  }
  return text
}

/** @throws CallFailed */
function batchOf(fields: JsonObject): BatchObject {
  const { status } = fields
  const counts = isJsonObject(fields['request_counts']) ? fields['request_counts'] : {}
  if (typeof status !== 'string') throw new CallFailed('unknown', 'a batch came without a status')
  return {
    id: idOf(fields),
    status,
    inputFileId: stringOf(fields['input_file_id']),
    outputFileId: stringOf(fields['output_file_id']),
    errorFileId: stringOf(fields['error_file_id']),
    completed: numberOf(counts['completed']) ?? 0,
    failed: numberOf(counts['failed']) ?? 0,
    errors: errorsOf(fields['errors']),
  }
}

function errorsOf(errors: unknown): string[] {
  const data = isJsonObject(errors) ? errors['data'] : undefined
  if (!Array.isArray(data)) return []
  return data.filter(isJsonObject).map(({ line, code, message }) => {
    const where = typeof line === 'number' ? `line ${line} of the file: ` : ''
    return `${where}${stringOf(message) ?? stringOf(code) ?? 'no reason is given'}`
  })
}

/** @throws CallFailed */
function idOf({ id }: JsonObject): string {
  if (typeof id === 'string' && id !== '') return id
  throw new CallFailed('unknown', 'the answer of the service has no id')
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
