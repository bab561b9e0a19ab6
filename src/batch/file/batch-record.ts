import { randomUUID } from 'node:crypto'
import { isJsonObject, parsedJson } from '../../json.js'
import { usageOf } from '../../tokens/usage.js'
import type { Usage } from '../../types.js'
import type { LineFault, LineRequest } from './request-line.js'

/** What went wrong with a line. */
export interface BatchError {
  readonly code: string
  readonly message: string
  /** The line of the input, where it could not be sent as it stands. */
  readonly line?: number
}

/** A line of the output, in the form of the Batch API. */
export interface BatchRecord {
  readonly id: string
  readonly custom_id: string | null
  /** Null where no answer came. */
  readonly response: { readonly status_code: number; readonly request_id: string | null; readonly body: unknown } | null
  /** Null where it went well. */
  readonly error: BatchError | null
}

/** What became of one line. */
export interface LineResult {
  /** In the input, from 1. */
  readonly line: number
  readonly ok: boolean
  readonly record: BatchRecord
  /** The model that answered, as the answer names it, else the one asked for; undefined where nothing was sent. */
  readonly model: string | undefined
  readonly usage: Usage | undefined
}

/** An answer of the service, as it was read. */
export interface LineAnswer {
  readonly status: number
  readonly requestId: string | null
  /** Parsed where it is JSON, else its text. */
  readonly body: unknown
}

/** Whose answer it is. */
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

/** No answer came. */
export function unanswered({ line, customId, model }: Asked, code: string, message: string): LineResult {
  const record = { id: newId(), custom_id: customId, response: null, error: { code, message } }
  return { line, ok: false, record, model, usage: undefined }
}

/** A line that could not be sent. */
export function unsendable({ line, customId, code, message }: LineFault): LineResult {
  const error = { code, message: `Line ${line}: ${message}`, line }
  const record = { id: newId(), custom_id: customId, response: null, error }
  return { line, ok: false, record, model: undefined, usage: undefined }
}

/** The fault of a line that could not be sent, as its error in the output says it; undefined for another error. */
export function faultIn({ line, message }: BatchError): Pick<LineFault, 'line' | 'message'> | undefined {
  return line === undefined ? undefined : { line, message: message.replace(/^Line \d+: /, '') }
}

/** What a fault is known by when the run is resumed: its id may be missing, or another line's. */
export function faultKey(line: number): string {
  return `\0line ${line}`
}

/** What a line of an output tells; undefined if it is none of ours. */
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

/** As from a page to sign in, or a server that is none of models. */
function noAnswer(status: number): BatchError {
  return {
    code: 'invalid_answer',
    message: `The service answered ${status} with what is no JSON object: check the base URL`,
  }
}

/** What an answer that is no success says. */
export function errorIn(body: unknown, status: number): BatchError {
  const { error } = (body ?? {}) as { error?: unknown }
  const { code, type, message } = (typeof error === 'object' && error !== null ? error : (body ?? {})) as Fields
  return {
    code: textOf(code) ?? textOf(type) ?? String(status),
    message: textOf(message) ?? textOf(error) ?? `The service answered ${status}`,
  }
}

type Fields = { readonly code?: unknown; readonly type?: unknown; readonly message?: unknown }

/** A code or a message, which some services give as a number; undefined if there is none. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined
}
