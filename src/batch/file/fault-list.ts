import { FileError } from './file-error.js'
import type { LineFault } from './request-line.js'

const MAX_SHOWN = 20

/** The faults of an input: how many there are, and the first of them in words. */
export class FaultList {
  readonly #shown: string[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  /** A line each. */
  get text(): string {
    const rest = this.#count - this.#shown.length
    return [...this.#shown, ...(rest > 0 ? [`  and ${rest.toLocaleString('en')} more`] : [])].join('\n')
  }

  add({ line, message }: Pick<LineFault, 'line' | 'message'>): void {
    this.#count++
    if (this.#shown.length < MAX_SHOWN) this.#shown.push(`  line ${line}: ${message}`)
  }

  /** @throws FileError if the input at `path` has any */
  throwIfAny(path: string): void {
    if (this.#count === 0) return
    throw new FileError(`'${path}' has ${this.#count} lines that cannot be sent:\n${this.text}`)
  }
}
