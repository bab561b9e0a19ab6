import { randomUUID } from 'node:crypto'
import { isJsonObject, parsedJson } from '../../json.js'
import { usageOf } from '../../tokens/usage.js'
import type { Usage } from '../../types.js'
import type { LineFault, LineRequest } from './request-line.js'

/** The error of a line. */
export interface BatchError {
  readonly code: string
  readonly message: string
  /** The line number in the input. Set only for an invalid line, which was not sent. */
  readonly line?: number
}

/** A line of the output, in the form of the Batch API. */
export interface BatchRecord {
  readonly id: string
  readonly custom_id: string | null
  /** Null if no answer came. */
  readonly response: { readonly status_code: number; readonly request_id: string | null; readonly body: unknown } | null
  /** Null if the line succeeded. */
  readonly error: BatchError | null
}

/** The result of one line. */
export interface LineResult {
  /** The line number in the input, from 1. */
  readonly line: number
  readonly ok: boolean
  readonly record: BatchRecord
  /** The model in the answer, or else the requested model. Undefined for a line that was not sent. */
  readonly model: string | undefined
  readonly usage: Usage | undefined
}

/** An answer of the service. */
export interface LineAnswer {
  readonly status: number
  readonly requestId: string | null
  /** The parsed JSON, or the text if it is not JSON. */
  readonly body: unknown
}

/** The request that an answer belongs to. */
type Asked = Pick<LineRequest, 'line' | 'customId' | 'model'>

export function answered({ line, customId, model }: Asked, { status, requestId, body }: LineAnswer): LineResult {
  const ok = status >= 200 && status < 300 && isJsonObject(body)
  const named = (body as { model?: unknown } | null)?.model
  return {
    line,
    ok,
    record: {
      id: newId(),
      custom_id: customId,
      response: { status_code: status, request_id: requestId, body },
      error: ok ? null : status < 300 ? noAnswer(status) : errorIn(body, status),
    },
    model: typeof named === 'string' ? named : model,
    usage: ok ? usageOf(body) : undefined,
  }
}

/** Returns the result of a line that got no answer. */
export function unanswered({ line, customId, model }: Asked, code: string, message: string): LineResult {
  const record = { id: newId(), custom_id: customId, response: null, error: { code, message } }
  return { line, ok: false, record, model, usage: undefined }
}

/** Returns the result of an invalid line, which was not sent. */
export function unsendable({ line, customId, code, message }: LineFault): LineResult {
  const error = { code, message: `Line ${line}: ${message}`, line }
  const record = { id: newId(), custom_id: customId, response: null, error }
  return { line, ok: false, record, model: undefined, usage: undefined }
}

/** Returns the fault of an invalid line from its error in the output, or undefined for any other error. */
export function faultIn({ line, message }: BatchError): Pick<LineFault, 'line' | 'message'> | undefined {
  return line === undefined ? undefined : { line, message: message.replace(/^Line \d+: /, '') }
}

/** Returns the key that identifies a fault when a run is resumed. The id of its line may be missing or a duplicate. */
export function faultKey(line: number): string {
  return `\0line ${line}`
}

/** Returns the key and the success of an output line, or undefined if no run wrote the line. */
export function readRecord(text: string): { readonly key: string; readonly ok: boolean } | undefined {
  const record = parsedJson(text)
  if (!isJsonObject(record)) return undefined
  const { custom_id: customId, response, error } = record as Partial<BatchRecord>
  if (typeof error?.line === 'number') return { key: faultKey(error.line), ok: false }
  if (typeof customId !== 'string') return undefined
  const status = response?.status_code ?? 0
  return { key: customId, ok: status >= 200 && status < 300 && (error === null || error === undefined) }
}

export function newId(): string {
  return `batch_req_${randomUUID().replaceAll('-', '')}`
}

/** Returns the error of a successful status without a JSON object, such as a sign-in page. */
function noAnswer(status: number): BatchError {
  return {
    code: 'invalid_answer',
    message: `The service answered ${status} with what is no JSON object: check the base URL`,
  }
}

/** Returns the error in an unsuccessful answer. */
export function errorIn(body: unknown, status: number): BatchError {
  const { error } = (body ?? {}) as { error?: unknown }
  const { code, type, message } = (typeof error === 'object' && error !== null ? error : (body ?? {})) as Fields
  return {
    code: textOf(code) ?? textOf(type) ?? String(status),
    message: textOf(message) ?? textOf(error) ?? `The service answered ${status}`,
  }
}

type Fields = { readonly code?: unknown; readonly type?: unknown; readonly message?: unknown }

/** Returns a code or a message as text, or undefined. Some services send numbers. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined
}
