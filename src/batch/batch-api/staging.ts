import { appendFile, rm } from 'node:fs/promises'
import { fileErrorOf } from '../file/file-error.js'
import type { LineFault, LineRequest } from '../file/request-line.js'
import { syncFile } from '../file/write-atomically.js'
import type { Part, PartLimits } from './part.js'

/** So much of all parts together is held before it is written. */
const MAX_HELD_BYTES = 1024 * 1024

interface Growing {
  readonly number: number
  readonly model: string
  readonly endpoint: string
  lines: number
  bytes: number
  held: string[]
}

/** A request as a line of a batch's file, without the line break. */
export function batchLine({ customId, path, text }: LineRequest): string {
  return `{"custom_id":${JSON.stringify(customId)},"method":"POST","url":"/v1${path}","body":${text}}`
}

/** Sorts requests into parts by model and endpoint, each as large as may be, and counts them. */
export class Sorter {
  readonly parts: Growing[] = []
  readonly #limits: PartLimits
  readonly #growing = new Map<string, Growing>()
  #next: number

  constructor(limits: PartLimits, next = 1) {
    this.#limits = limits
    this.#next = next
  }

  /** The part that `line` belongs to, which counts it; or why it fits into none. */
  take(request: LineRequest, line: string): Growing | LineFault {
    const { maxFileLines, maxFileBytes, maxLineBytes } = this.#limits
    const bytes = Buffer.byteLength(line)
    const most = Math.min(maxLineBytes, maxFileBytes - 1)
    if (bytes > most) {
      const message = `it has ${bytes.toLocaleString('en')} bytes as a line of a batch, which may have ${most.toLocaleString('en')}`
      return { line: request.line, customId: request.customId, code: 'line_too_long', message }
    }
    const key = `${request.path}\n${request.model}`
    let part = this.#growing.get(key)
    if (part === undefined || part.lines >= maxFileLines || part.bytes + bytes + 1 > maxFileBytes) {
      const { model, path } = request
      part = { number: this.#next++, model, endpoint: `/v1${path}`, lines: 0, bytes: 0, held: [] }
      this.#growing.set(key, part)
      this.parts.push(part)
    }
    part.lines++
    part.bytes += bytes + 1
    return part
  }
}

export interface StagingOptions {
  readonly limits: PartLimits
  /** The number of the first part. */
  readonly next: number
  readonly pathOf: (part: { readonly number: number }) => string
}

/** Writes requests to files, one a part, and holds little of them meanwhile. */
export class Staging {
  readonly #sorter: Sorter
  readonly #pathOf: StagingOptions['pathOf']
  #heldBytes = 0

  constructor({ limits, next, pathOf }: StagingOptions) {
    this.#sorter = new Sorter(limits, next)
    this.#pathOf = pathOf
  }

  /**
   * Resolves to why a request fits into no batch, if it does not.
   * @throws FileError
   */
  async add(request: LineRequest): Promise<LineFault | undefined> {
    const line = batchLine(request)
    const part = this.#sorter.take(request, line)
    if ('code' in part) return part
    part.held.push(line)
    this.#heldBytes += line.length
    if (this.#heldBytes >= MAX_HELD_BYTES) await this.#write()
    return undefined
  }

  /**
   * The parts, whole and on the disk.
   * @throws FileError
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

  async #guarded(part: Growing, work: (path: string) => Promise<void>): Promise<void> {
    const path = this.#pathOf(part)
    try {
      await work(path)
    } catch (error) {
      throw fileErrorOf(error, `'${path}', the lines of a batch,`, 'written')
    }
  }
}
