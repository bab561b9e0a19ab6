import { isJsonObject, parsedJson, type JsonObject } from '../../json.js'
import { countResult, type Mutable, type RunCounts } from '../run/run-counts.js'
import { DONE, type DoneIds } from '../file/done-ids.js'
import { splitLines } from '../file/read-lines.js'
import { answered, newId, textOf, unanswered, type BatchError, type LineResult } from '../file/batch-record.js'
import type { Sinks } from '../file/sinks.js'

/** What became of a line, without its number, which a batch does not tell. */
export type BatchApiResult = Omit<LineResult, 'line'>

/** Where answers go. */
export interface MergeTarget {
  /** Those that are done are skipped. */
  readonly ids: DoneIds
  readonly sinks: Sinks
  readonly counts: Mutable<RunCounts>
  readonly onResult: (result: BatchApiResult) => void
}

/** What stood in a file of answers. */
export interface Merged {
  /** Lines that hold an answer, those that stood in the output already among them. */
  readonly answers: number
  /** Those that were written. */
  readonly written: number
  /** Lines that say that there is no answer. */
  readonly without: number
  readonly unreadable: number
  /** Whether the last line is not whole. */
  readonly isBrokenOff: boolean
}

/** A line of a file of answers. */
type AnswerFields = JsonObject & { readonly custom_id: string }

/** An answer may be longer than a line of input. */
const MAX_LINE_BYTES = 64 * 1024 * 1024
const WRITTEN_TOGETHER_BYTES = 1024 * 1024
/** What a service writes for lines that it did not come to. */
const NOT_DONE: ReadonlySet<unknown> = new Set(['batch_expired', 'batch_cancelled'])

/**
 * Appends the answers of a file as it comes, as fast as they can be written.
 * @throws FileError, and what breaks `chunks` off; what was appended until then stays
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
      // Heard below, after more of the file has come.
      written.catch(() => {})
      writes.push(written)
      bytes += line.length
      if (bytes < WRITTEN_TOGETHER_BYTES) continue
      await Promise.all(writes)
      writes = []
      bytes = 0
    }
  } finally {
    // Whatever broke it off: none may be left to fail unheard.
    await Promise.all(writes)
  }
  return found
}

async function write(result: BatchApiResult, { sinks, counts, onResult }: MergeTarget): Promise<void> {
  await (result.ok ? sinks.output : sinks.errors).append(JSON.stringify(result.record))
  countResult(counts, result)
  onResult(result)
}

/** Undefined for what is no line of an output. */
function fieldsIn(text: string): AnswerFields | undefined {
  const value = parsedJson(text)
  if (!isJsonObject(value) || typeof value['custom_id'] !== 'string') return undefined
  return value as AnswerFields
}

/** Undefined for a line that says that there is no answer. */
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

/** Services fill the field of lines that went well with null, an empty text or empty fields. */
function errorOf(error: unknown): Partial<BatchError> | undefined {
  if (typeof error === 'string') return error === '' ? undefined : { message: error }
  if (!isJsonObject(error)) return undefined
  const [code, message] = [textOf(error['code']), textOf(error['message'])]
  if (code === undefined && message === undefined) return undefined
  return { ...(code !== undefined && { code }), ...(message !== undefined && { message }) }
}
