import { FileError } from './file-error.js'
import type { LineFault } from './request-line.js'

/** Maximum number of faults in a message. Chosen, for the length of the message alone. */
const MAX_SHOWN = 20

/** Counts the faults of an input and keeps the text of the first ones. */
export class FaultList {
  readonly #shown: string[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  /** The faults as text, one for each line. */
  get text(): string {
    const rest = this.#count - this.#shown.length
    return [...this.#shown, ...(rest > 0 ? [`  and ${rest.toLocaleString('en')} more`] : [])].join('\n')
  }

  add({ line, message }: Pick<LineFault, 'line' | 'message'>): void {
    this.#count++
    if (this.#shown.length < MAX_SHOWN) this.#shown.push(`  line ${line}: ${message}`)
  }

  /** @throws FileError if the input at `path` has any fault */
  throwIfAny(path: string): void {
    if (this.#count === 0) return
    throw new FileError(`'${path}' has ${this.#count} lines that cannot be sent:\n${this.text}`)
  }
}
