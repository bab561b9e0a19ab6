import type { BatchError } from '../batch/result.js'

const MOST_TOLD = 8
const LONGEST = 200

/** Why lines failed that were sent: how many by each code, and what was said of the first. */
export class FailuresTold {
  readonly #byCode = new Map<string, { count: number; readonly message: string }>()

  tell({ code, message }: BatchError): void {
    const known = this.#byCode.get(code)
    if (known !== undefined) known.count++
    else this.#byCode.set(code, { count: 1, message: printable(message) })
  }

  /** A line each, the most frequent first; nothing where none failed. */
  get text(): string {
    const all = [...this.#byCode].sort(([, a], [, b]) => b.count - a.count)
    const told = all.slice(0, MOST_TOLD).map(([code, { count, message }]) => {
      return `  ${printable(code)} (${count.toLocaleString('en')}): ${message}`
    })
    if (all.length > MOST_TOLD) told.push(`  and ${all.length - MOST_TOLD} other reasons`)
    return told.length === 0 ? '' : `Why lines failed:\n${told.join('\n')}\n`
  }
}

/** A service's words on one line, without what a terminal would obey. */
function printable(text: string): string {
  const plain = text.replace(/[\p{Cc}\s]+/gu, ' ').trim()
  return plain.length <= LONGEST ? plain : `${plain.slice(0, LONGEST)}…`
}
