import type { BatchError } from '../../batch/file/batch-record.js'

const MAX_TOLD = 8
const MAX_LENGTH = 200

/** Why lines failed that were sent: how many by each code, and what was said of the first. */
export class FailureReasons {
  readonly #byCode = new Map<string, { count: number; readonly message: string }>()

  tell({ code, message }: BatchError): void {
    const known = this.#byCode.get(code)
    if (known !== undefined) known.count++
    else this.#byCode.set(code, { count: 1, message: printable(message) })
  }

  /** A line each, the most frequent first; nothing where none failed. */
  get text(): string {
    const all = [...this.#byCode].sort(([, a], [, b]) => b.count - a.count)
    const told = all.slice(0, MAX_TOLD).map(([code, { count, message }]) => {
      return `  ${printable(code)} (${count.toLocaleString('en')}): ${message}`
    })
    if (all.length > MAX_TOLD) told.push(`  and ${all.length - MAX_TOLD} other reasons`)
    return told.length === 0 ? '' : `Why lines failed:\n${told.join('\n')}\n`
  }
}

/** A service's words on one line, without what a terminal would obey. */
function printable(text: string): string {
  const plain = text.replace(/[\p{Cc}\s]+/gu, ' ').trim()
  return plain.length <= MAX_LENGTH ? plain : `${plain.slice(0, MAX_LENGTH)}…`
}
