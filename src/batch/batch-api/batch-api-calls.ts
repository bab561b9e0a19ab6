import { isJsonObject, parsedJson, type JsonObject } from '../../json.js'
import { FetchCall } from '../../transport/fetch-call.js'
import { withSettings } from '../../transport/hints.js'
import { errorIn } from '../file/batch-record.js'
import { headersOf, redacted, type Service } from '../run/send-line.js'
import { uploadForm, type UploadFile } from './upload-form.js'

/**
 * What a call of the Batch API came to that did not go well. `unknown`: no answer, or none that says what was done; all
 * others were certainly not done.
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

/** A batch, as far as it is looked at. */
export interface BatchObject {
  readonly id: string
  readonly status: string
  readonly inputFileId: string | undefined
  readonly outputFileId: string | undefined
  readonly errorFileId: string | undefined
  readonly completed: number
  readonly failed: number
  /** What was wrong with the file, in words. */
  readonly errors: readonly string[]
}

/** A file could be on its way for this long. */
const UPLOAD_TIMEOUT_MS = 2 * 3_600_000
/** Answers that are no files are not longer. */
const MAX_ANSWER_CHARS = 16 * 1024 * 1024
const PAGE_SIZE = 100
/** A list that has not ended by then is none. */
const MAX_PAGES = 1000
/** So much may the times that a service gives differ from each other. */
const CLOCK_SLACK_SECONDS = 3600

/** The calls of files and batches, through the limiter. None is repeated: whoever calls knows what is safe. */
export class BatchApiCalls {
  readonly #service: Service

  constructor(service: Service) {
    this.#service = service
  }

  /** Uploads a file. @throws CallFailed */
  async upload(file: UploadFile, signal: AbortSignal): Promise<{ id: string; createdAt: number | undefined }> {
    const init = { ...(await formOf(file)), method: 'POST', signal }
    const answer = await this.#json('/files', init, UPLOAD_TIMEOUT_MS)
    return { id: idOf(answer), createdAt: numberOf(answer['created_at']) }
  }

  /** A file that was uploaded under this name; undefined if there is none. @throws CallFailed */
  async findFile({ filename, bytes }: UploadFile): Promise<{ id: string; createdAt: number | undefined } | undefined> {
    for await (const file of this.#list('/files', 'purpose=batch&')) {
      if (file['filename'] === filename && file['bytes'] === bytes) {
        return { id: idOf(file), createdAt: numberOf(file['created_at']) }
      }
    }
    return undefined
  }

  /** @throws CallFailed */
  async create(fileId: string, endpoint: string, completionWindow: string): Promise<BatchObject> {
    const order = { input_file_id: fileId, endpoint, completion_window: completionWindow }
    return batchOf(await this.#json('/batches', { method: 'POST', body: JSON.stringify(order) }))
  }

  /** The batch that was made of a file; undefined if there is none. @throws CallFailed */
  async findBatch(fileId: string, fileCreatedAt: number | undefined): Promise<BatchObject | undefined> {
    let firstAt: number | undefined
    for await (const fields of this.#list('/batches')) {
      if (fields['input_file_id'] === fileId) return batchOf(fields)
      const createdAt = numberOf(fields['created_at']) ?? Infinity
      firstAt ??= createdAt
      // None is older than its file; but whether the newest come first is not documented.
      const isOlder = createdAt < (fileCreatedAt ?? -Infinity) - CLOCK_SLACK_SECONDS
      if (isOlder && createdAt < firstAt) return undefined
    }
    return undefined
  }

  /** @throws CallFailed */
  async batch(id: string): Promise<BatchObject> {
    return batchOf(await this.#json(`/batches/${encodeURIComponent(id)}`, { method: 'GET' }))
  }

  /** Resolves to why it is refused, as for one that has ended; undefined where it is not. @throws CallFailed */
  async cancel(id: string): Promise<CallFailed | undefined> {
    const response = await this.#send(`/batches/${encodeURIComponent(id)}/cancel`, { method: 'POST' })
    const text = await textOf(response)
    if (response.ok) return undefined
    const refusal = this.#refusal('/batches/…/cancel', response.status, text)
    if (response.status === 409 || refusal.fault === 'refused') return refusal
    throw refusal
  }

  /** What is in a file, as it comes. @throws CallFailed; while it is read, what breaks it off */
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
    // A limiter's own number of retries would else come first, and submit a batch twice.
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
