import type { LineFault, LineRequest } from '../file/request-line.js'
import type { PartLimits } from './part.js'

/** A part that still accepts lines. */
export interface GrowingPart {
  readonly number: number
  readonly model: string
  readonly endpoint: string
  lines: number
  bytes: number
  /** Lines that are not on disk yet. */
  held: string[]
}

/** Returns a request as a line of a batch file, without the line break. */
export function batchLine({ customId, path, text }: LineRequest): string {
  return `{"custom_id":${JSON.stringify(customId)},"method":"POST","url":"/v1${path}","body":${text}}`
}

/** Assigns requests to parts by model and endpoint. It fills each part up to its limits. */
export class PartSorter {
  readonly parts: GrowingPart[] = []
  readonly #limits: PartLimits
  readonly #growing = new Map<string, GrowingPart>()
  #next: number

  constructor(limits: PartLimits, next = 1) {
    this.#limits = limits
    this.#next = next
  }

  /** Returns the part for `line` and counts the line there. Returns a fault if the line is too long for any part. */
  assign(request: LineRequest, line: string): GrowingPart | LineFault {
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
