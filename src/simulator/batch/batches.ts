import { InvalidRequest } from '../../errors.js'
import { Random } from '../random.js'
import { isObject, optionalString } from '../requests/fields.js'
import type { Fields } from '../requests/fields.js'
import type { Service } from '../service.js'
import { Batch } from './batch.js'
import type { Files } from './files.js'
import { batchRoutes } from './validate-input.js'

const HOUR_MS = 3_600_000
/**
 * The shortest and the longest completion window, in hours. Documented by Model Studio: `24h` to `336h`. OpenAI takes
 * `24h` alone.
 */
const MIN_HOURS = 24
const MAX_HOURS = 336
/** Added to the seed, so that batch ids differ from request ids. Any other constant would do. */
const STREAM_OFFSET = 0xba7c4

/** All batches of the simulated account. */
export class Batches {
  readonly #service: Service
  readonly #files: Files
  readonly #all = new Map<string, Batch>()

  constructor(service: Service, files: Files) {
    this.#service = service
    this.#files = files
  }

  /** Creates a batch. @throws InvalidRequest for a missing file or a wrong parameter */
  create(fields: Fields, now: number): Batch {
    const inputId = optionalString(fields, 'input_file_id') ?? ''
    const input = this.#files.get(inputId)
    if (input === undefined) throw new InvalidRequest(`No such File object: ${inputId}`)
    if (input.purpose !== 'batch') throw new InvalidRequest(`The purpose of the file ${inputId} must be batch`)
    const endpoint = optionalString(fields, 'endpoint') ?? ''
    if (!Object.hasOwn(batchRoutes, endpoint)) {
      throw new InvalidRequest(`'endpoint' must be one of ${Object.keys(batchRoutes).join(', ')}`)
    }
    const completionWindow = optionalString(fields, 'completion_window') ?? ''
    const metadata = fields['metadata'] ?? null
    if (metadata !== null && !isObject(metadata)) throw new InvalidRequest("'metadata' must be an object")
    const { seed } = this.#service.settings
    const id = `batch_${new Random(seed + STREAM_OFFSET, this.#all.size).uuid()}`
    const windowMs = windowMsOf(completionWindow)
    const batch = new Batch(
      { id, input, endpoint, completionWindow, windowMs, metadata },
      this.#service,
      this.#files,
      now,
    )
    this.#all.set(id, batch)
    return batch
  }

  get(id: string): Batch | undefined {
    return this.#all.get(id)
  }

  /** All batches, the newest first. */
  list(): Batch[] {
    return [...this.#all.values()].toReversed()
  }
}

/** A completion window in milliseconds. It is written in hours (`24h`) or days (`1d`). */
function windowMsOf(text: string): number {
  const match = /^(\d+)([hd])$/.exec(text)
  const hours = Number(match?.[1]) * (match?.[2] === 'd' ? 24 : 1)
  if (hours >= MIN_HOURS && hours <= MAX_HOURS) return hours * HOUR_MS
  throw new InvalidRequest(`'completion_window' must be from ${MIN_HOURS}h to ${MAX_HOURS}h`)
}
