import { isObject } from '../requests/fields.js'
import type { SimulatedRoute } from '../requests/request.js'
import type { BatchSettings } from '../settings/batch-settings.js'

/** The endpoint of test batches, and their only model. They are free of charge (documented). */
export const TEST_ENDPOINT = '/v1/chat/ds-test'
export const TEST_MODEL = 'batch-test-model'
/** The most lines of a test batch (documented). */
const MAX_TEST_LINES = 100
/**
 * The most errors that a failed batch lists.
 *
 * Chosen. Larger: a file of 50,000 wrong lines makes the batch object megabytes long. Smaller: a user sees fewer errors
 * at once.
 */
const MAX_FAULTS = 100

/** The endpoints that a batch may name, and the route that each line takes. */
export const batchRoutes: Readonly<Record<string, SimulatedRoute>> = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completions',
  '/v1/embeddings': 'embeddings',
  '/v1/responses': 'responses',
  [TEST_ENDPOINT]: 'chat',
}

/** One valid line of an input file. */
export interface InputLine {
  readonly customId: string
  readonly body: Readonly<Record<string, unknown>>
}

/** One error in an input file. */
export interface BatchFault {
  readonly code: string
  /** Counted from 1; null for an error of the whole file. */
  readonly line: number | null
  readonly message: string
  readonly param: string | null
}

/** The lines of an input file, or its errors. `exists` says whether the account has a model. */
export function validateInput(
  content: Buffer,
  endpoint: string,
  settings: BatchSettings,
  exists: (model: string) => boolean,
): { readonly lines: readonly InputLine[]; readonly faults: readonly BatchFault[] } {
  const text = utf8Of(content)
  if (text === undefined) return { lines: [], faults: [fault('invalid_file', null, 'The file is not valid UTF-8.')] }
  const texts = text.split(/\r?\n/)
  while (texts.at(-1)?.trim() === '') texts.pop()
  if (texts.length === 0) return { lines: [], faults: [fault('empty_file', null, 'The input file is empty.')] }
  const maxLines = endpoint === TEST_ENDPOINT ? Math.min(MAX_TEST_LINES, settings.maxLines) : settings.maxLines
  if (texts.length > maxLines) {
    const message = `The batch input file contains more than ${maxLines} requests.`
    return { lines: [], faults: [fault('too_many_tasks', null, message)] }
  }
  const reader = new LineReader(endpoint, settings, exists)
  const lines = texts.flatMap((line, i) => reader.read(line, i + 1) ?? [])
  return { lines, faults: reader.faults.slice(0, MAX_FAULTS) }
}

/** Checks each line by itself and against the lines before it. */
class LineReader {
  readonly faults: BatchFault[] = []
  readonly #endpoint: string
  readonly #settings: BatchSettings
  readonly #exists: (model: string) => boolean
  readonly #ids = new Set<string>()
  #model: string | undefined

  constructor(endpoint: string, settings: BatchSettings, exists: (model: string) => boolean) {
    this.#endpoint = endpoint
    this.#settings = settings
    this.#exists = exists
  }

  read(text: string, line: number): InputLine | undefined {
    if (Buffer.byteLength(text) > this.#settings.maxLineBytes) {
      return this.#fault('line_too_long', line, `The line has more than ${this.#settings.maxLineBytes} bytes.`)
    }
    const fields = objectOf(text)
    if (fields === undefined) return this.#fault('invalid_json_line', line, 'This line is not parseable as valid JSON.')
    const { custom_id: customId, method, url, body } = fields
    if (typeof customId !== 'string' || customId === '') return this.#missing('custom_id', line)
    if (method !== 'POST') return this.#fault('invalid_method', line, "The method must be 'POST'.", 'method')
    if (url !== this.#endpoint) {
      const message = `The URL provided for this request does not prefix-match the batch endpoint ${this.#endpoint}.`
      return this.#fault('invalid_url', line, message, 'url')
    }
    if (!isObject(body)) return this.#missing('body', line)
    if (this.#ids.has(customId)) {
      const message = `The custom_id '${customId}' for this request is a duplicate of another request.`
      return this.#fault('duplicate_custom_id', line, message, 'custom_id')
    }
    this.#ids.add(customId)
    const { model } = body
    if (typeof model !== 'string' || model === '') return this.#missing('body.model', line)
    this.#model ??= model
    if (model !== this.#model) {
      const message = `The model '${model}' for this request does not match the rest of the batch. Each batch must contain requests for a single model.`
      return this.#fault('mismatched_model', line, message, 'body.model')
    }
    const isKnown = this.#endpoint === TEST_ENDPOINT ? model === TEST_MODEL : this.#exists(model)
    if (!isKnown) {
      return this.#fault(
        'model_not_found',
        line,
        `The provided model '${model}' is not supported by the Batch API.`,
        'body.model',
      )
    }
    return { customId, body }
  }

  #missing(param: string, line: number): undefined {
    return this.#fault('missing_required_parameter', line, `Missing required parameter: '${param}'.`, param)
  }

  #fault(code: string, line: number, message: string, param: string | null = null): undefined {
    this.faults.push(fault(code, line, message, param))
    return undefined
  }
}

function fault(code: string, line: number | null, message: string, param: string | null = null): BatchFault {
  return { code, line, message, param }
}

function utf8Of(content: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    return undefined
  }
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
