import type { BatchError } from '../../batch/file/batch-record.js'
import { printable } from '../terminal/printable.js'

const MAX_SHOWN = 8
const MAX_LENGTH = 200

/** Counts the failed lines by error code, with the message of the first one of each code. */
export class FailureReasons {
  readonly #byCode = new Map<string, { count: number; readonly message: string }>()

  add({ code, message }: BatchError): void {
    const known = this.#byCode.get(code)
    if (known !== undefined) known.count++
    else this.#byCode.set(code, { count: 1, message: oneLine(message) })
  }

  /** The reasons as text, one for each line, the most frequent first. Empty if no line failed. */
  get text(): string {
    const all = [...this.#byCode].sort(([, a], [, b]) => b.count - a.count)
    const shown = all.slice(0, MAX_SHOWN).map(([code, { count, message }]) => {
      return `  ${oneLine(code)} (${count.toLocaleString('en')}): ${message}`
    })
    if (all.length > MAX_SHOWN) shown.push(`  and ${all.length - MAX_SHOWN} other reasons`)
    return shown.length === 0 ? '' : `Why lines failed:\n${shown.join('\n')}\n`
  }
}

/** Returns a service's message on one line, shortened. */
function oneLine(text: string): string {
  const plain = printable(text).replace(/\s+/g, ' ').trim()
  return plain.length <= MAX_LENGTH ? plain : `${plain.slice(0, MAX_LENGTH)}…`
}
