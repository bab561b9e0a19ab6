import type { LimitsRow, LimitsTable } from '../../types.js'

/** A limits table that is replaced as a whole, with its listeners. */
export class ChangingTable {
  readonly #listeners = new Set<() => void>()
  #table: LimitsTable

  constructor(table: LimitsTable) {
    this.#table = table
  }

  readonly current = (): LimitsTable => this.#table

  readonly subscribe = (listener: () => void): (() => void) => {
    // Each subscription gets its own function, because a caller may subscribe one listener twice.
    const own = () => listener()
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /** Replaces the table and returns whether it differs. It does not call the listeners; see {@link notify}. */
  set(table: LimitsTable): boolean {
    const before = this.#table
    const models = Object.keys(table)
    const isSame =
      models.length === Object.keys(before).length &&
      models.every((model) => Object.hasOwn(before, model) && isSameRow(before[model]!, table[model]!))
    // An equal table keeps the old object, so that a caller can compare by identity.
    if (!isSame) this.#table = table
    return !isSame
  }

  notify(): void {
    for (const listener of this.#listeners) listener()
  }

  /** Removes all listeners. */
  close(): void {
    this.#listeners.clear()
  }
}

function isSameRow(a: LimitsRow, b: LimitsRow): boolean {
  const fields = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof LimitsRow>
  return [...fields].every((field) => a[field] === b[field])
}
