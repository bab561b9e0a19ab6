import type { LimitsRow, LimitsTable } from '../../types.js'

/** A table that is replaced as a whole, and those who hear of that. */
export class ChangingTable {
  readonly #listeners = new Set<() => void>()
  #table: LimitsTable

  constructor(table: LimitsTable) {
    this.#table = table
  }

  readonly current = (): LimitsTable => this.#table

  readonly subscribe = (listener: () => void): (() => void) => {
    // One of its own for each: the same function may be given twice.
    const own = () => listener()
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /** Tells nobody: see {@link notify}. True if it says anything else than the one before. */
  set(table: LimitsTable): boolean {
    const before = this.#table
    const models = Object.keys(table)
    const isSame =
      models.length === Object.keys(before).length &&
      models.every((model) => Object.hasOwn(before, model) && isSameRow(before[model]!, table[model]!))
    // The same object goes on: whoever keeps it sees that nothing changed.
    if (!isSame) this.#table = table
    return !isSame
  }

  notify(): void {
    for (const listener of this.#listeners) listener()
  }

  /** Nobody hears of it any more. */
  close(): void {
    this.#listeners.clear()
  }
}

function isSameRow(a: LimitsRow, b: LimitsRow): boolean {
  const fields = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof LimitsRow>
  return [...fields].every((field) => a[field] === b[field])
}
