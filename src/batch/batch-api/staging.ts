import { appendFile, rm } from 'node:fs/promises'
import { fileErrorOf } from '../file/file-error.js'
import type { LineFault, LineRequest } from '../file/request-line.js'
import { syncFile } from '../file/write-atomically.js'
import type { Part, PartLimits } from './part.js'
import { batchLine, PartSorter, type GrowingPart } from './part-sorter.js'

/**
 * Maximum text of all parts in memory before it is written, in UTF-16 code units. Chosen.
 * A larger value holds more memory. A smaller value makes more disk writes.
 */
const MAX_HELD_BYTES = 1024 * 1024

export interface StagingOptions {
  readonly limits: PartLimits
  /** The number of the first part. */
  readonly next: number
  readonly pathOf: (part: { readonly number: number }) => string
}

/** Writes requests to one file for each part, with bounded memory. */
export class Staging {
  readonly #sorter: PartSorter
  readonly #pathOf: StagingOptions['pathOf']
  #heldBytes = 0

  constructor({ limits, next, pathOf }: StagingOptions) {
    this.#sorter = new PartSorter(limits, next)
    this.#pathOf = pathOf
  }

  /**
   * Adds a request to its part. Resolves to a fault if the request fits into no batch.
   *
   * @throws FileError if the part's file cannot be written
   */
  async add(request: LineRequest): Promise<LineFault | undefined> {
    const line = batchLine(request)
    const part = this.#sorter.assign(request, line)
    if ('code' in part) return part
    part.held.push(line)
    this.#heldBytes += line.length
    if (this.#heldBytes >= MAX_HELD_BYTES) await this.#write()
    return undefined
  }

  /**
   * Resolves to the parts once their files are complete and synced to disk.
   *
   * @throws FileError if a part's file cannot be written
   */
  async finish(): Promise<Part[]> {
    await this.#write()
    for (const part of this.#sorter.parts) {
      await this.#guarded(part, syncFile)
    }
    return this.#sorter.parts.map(({ number, model, endpoint, lines, bytes }) => ({
      number,
      model,
      endpoint,
      lines,
      bytes,
      state: 'staged',
    }))
  }

  async discard(): Promise<void> {
    for (const part of this.#sorter.parts) await rm(this.#pathOf(part), { force: true })
  }

  async #write(): Promise<void> {
    for (const part of this.#sorter.parts) {
      if (part.held.length === 0) continue
      const text = `${part.held.join('\n')}\n`
      part.held = []
      await this.#guarded(part, (path) => appendFile(path, text))
    }
    this.#heldBytes = 0
  }

  async #guarded(part: GrowingPart, work: (path: string) => Promise<void>): Promise<void> {
    const path = this.#pathOf(part)
    try {
      await work(path)
    } catch (error) {
      throw fileErrorOf(error, `'${path}', the lines of a batch,`, 'written')
    }
  }
}
