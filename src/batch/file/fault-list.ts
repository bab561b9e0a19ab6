import type { LineFault } from './request-line.js'

const MAX_TOLD = 20

/** The faults of an input: how many there are, and the first of them in words. */
export class FaultList {
  readonly #told: string[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  /** A line each. */
  get text(): string {
    const rest = this.#count - this.#told.length
    return [...this.#told, ...(rest > 0 ? [`  and ${rest.toLocaleString('en')} more`] : [])].join('\n')
  }

  tell({ line, message }: Pick<LineFault, 'line' | 'message'>): void {
    this.#count++
    if (this.#told.length < MAX_TOLD) this.#told.push(`  line ${line}: ${message}`)
  }
}
