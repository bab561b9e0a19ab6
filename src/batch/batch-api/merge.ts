import { isJsonObject, parsedJson, type JsonObject } from '../../json.js'
import { countResult, type Mutable, type RunCounts } from '../run/run-counts.js'
import { DONE, type DoneIds } from '../file/done-ids.js'
import { splitLines } from '../file/read-lines.js'
import { answered, newId, textOf, unanswered, type BatchError, type LineResult } from '../file/batch-record.js'
import type { Sinks } from '../file/sinks.js'

/** The result of one line. It has no line number, because a batch does not return one. */
export type BatchApiResult = Omit<LineResult, 'line'>

/** The destination of merged answers. */
export interface MergeTarget {
  /** The ids that the output already holds. Their answers are skipped. */
  readonly ids: DoneIds
  readonly sinks: Sinks
  readonly counts: Mutable<RunCounts>
  readonly onResult: (result: BatchApiResult) => void
}

/** The counts of one merged answer file. */
export interface Merged {
  /** Lines with an answer, including answers that the output already held. */
  readonly answers: number
  /** Answers that were written. */
  readonly written: number
  /** Lines that report a request without an answer. */
  readonly without: number
  readonly unreadable: number
  /** Whether the last line is incomplete. */
  readonly isBrokenOff: boolean
}

/** A parsed line of an answer file. */
type AnswerFields = JsonObject & { readonly custom_id: string }

/**
 * Maximum length of a line of an answer file, in bytes. Chosen: about ten times the maximum input line.
 * A smaller value drops long answers. A larger value lets one damaged line fill the memory.
 */
const MAX_LINE_BYTES = 64 * 1024 * 1024
/**
 * Answer bytes that may wait for the disk before the merge reads on. Chosen.
 * A larger value holds more memory. A smaller value waits for the disk more often.
 */
const WRITTEN_TOGETHER_BYTES = 1024 * 1024
/** The error codes of lines that the service never processed. */
const NOT_DONE: ReadonlySet<unknown> = new Set(['batch_expired', 'batch_cancelled'])

/**
 * Appends the answers in `chunks` to the output. It reads no faster than the disk writes.
 *
 * @throws FileError, and any error of `chunks`. Answers that were appended before remain
 */
export async function merge(chunks: AsyncIterable<Uint8Array>, model: string, target: MergeTarget): Promise<Merged> {
  const found = { answers: 0, written: 0, without: 0, unreadable: 0, isBrokenOff: false }
  let writes: Promise<void>[] = []
  let bytes = 0
  try {
    for await (const line of splitLines(chunks, MAX_LINE_BYTES)) {
      const text = line.bytes?.toString('utf8')
      if (text?.trim() === '') continue
      const fields = text === undefined ? undefined : fieldsIn(text)
      if (fields === undefined) {
        found.unreadable++
        found.isBrokenOff = !line.isEnded
        continue
      }
      const result = resultOf(fields, model)
      if (result === undefined) {
        found.without++
        continue
      }
      found.answers++
      if ((target.ids.add(fields.custom_id, DONE) & DONE) !== 0) continue
      found.written++
      const written = write(result, target)
      // `Promise.all` below reports the error, so this must not raise an unhandled rejection first.
      written.catch(() => {})
      writes.push(written)
      bytes += line.length
      if (bytes < WRITTEN_TOGETHER_BYTES) continue
      await Promise.all(writes)
      writes = []
      bytes = 0
    }
  } finally {
    // Every write is awaited, even after an error, so that none fails unobserved.
    await Promise.all(writes)
  }
  return found
}

async function write(result: BatchApiResult, { sinks, counts, onResult }: MergeTarget): Promise<void> {
  await (result.ok ? sinks.output : sinks.errors).append(JSON.stringify(result.record))
  countResult(counts, result)
  onResult(result)
}

/** Returns the fields of an answer line, or undefined for any other text. */
function fieldsIn(text: string): AnswerFields | undefined {
  const value = parsedJson(text)
  if (!isJsonObject(value) || typeof value['custom_id'] !== 'string') return undefined
  return value as AnswerFields
}

/** Returns the result of an answer line, or undefined if the line reports a request without an answer. */
function resultOf(fields: AnswerFields, model: string): BatchApiResult | undefined {
  const { id, custom_id: customId, response, error } = fields
  const asked = { line: 0, customId, model }
  const own = errorOf(error)
  const status = isJsonObject(response) ? Number(response['status_code']) : Number.NaN
  if (!isJsonObject(response) || Number.isNaN(status)) {
    if (own === undefined || NOT_DONE.has(own.code)) return undefined
    const { code = 'failed', message = code } = own
    return withId(unanswered(asked, code, message), id)
  }
  const { request_id: requestId, body } = response
  const result = answered(asked, { status, requestId: typeof requestId === 'string' ? requestId : null, body })
  if (own === undefined) return withId(result, id)
  const { code = result.record.error?.code ?? 'failed' } = own
  const { message = result.record.error?.message ?? code } = own
  const record = { ...result.record, error: { code, message } }
  return withId({ ...result, ok: false, usage: undefined, record }, id)
}

function withId(given: LineResult, id: unknown): BatchApiResult {
  const { line: _line, ...result } = given
  return { ...result, record: { ...result.record, id: typeof id === 'string' && id !== '' ? id : newId() } }
}

/** Returns undefined for a successful line. Services set its `error` to null, an empty string or an object of empty fields. */
function errorOf(error: unknown): Partial<BatchError> | undefined {
  if (typeof error === 'string') return error === '' ? undefined : { message: error }
  if (!isJsonObject(error)) return undefined
  const [code, message] = [textOf(error['code']), textOf(error['message'])]
  if (code === undefined && message === undefined) return undefined
  return { ...(code !== undefined && { code }), ...(message !== undefined && { message }) }
}
