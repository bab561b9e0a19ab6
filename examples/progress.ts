import { MultiBar, Presets, type SingleBar } from 'cli-progress'

const isTerminal = process.stderr.isTTY
const PRINT_EVERY_MS = 5000

/** The progress of a run. */
export interface Counts {
  readonly completed: number
  readonly failed: number
  readonly throttled: number
}

/** Shows the progress on standard error: a bar on a terminal, and otherwise a line every five seconds. */
export class Progress {
  readonly #title: string
  readonly #total: number
  readonly #bars: MultiBar | undefined
  readonly #bar: SingleBar | undefined
  #printedAt = performance.now()

  constructor(title: string, total: number) {
    this.#title = title
    this.#total = total
    if (!isTerminal) return
    const format = `{title} [{bar}] {value}/{total} · {failed} failed · {throttled} 429s · {duration_formatted}`
    this.#bars = new MultiBar({ format, stopOnComplete: true }, Presets.rect)
    this.#bar = this.#bars.create(total, 0, { title: title.padEnd(20), failed: 0, throttled: 0 })
  }

  update({ completed, failed, throttled }: Counts): void {
    this.#bar?.update(completed + failed, { failed, throttled })
    if (isTerminal || performance.now() - this.#printedAt < PRINT_EVERY_MS) return
    this.#printedAt = performance.now()
    console.error(`${this.#title}: ${completed + failed} of ${this.#total}, ${failed} failed, ${throttled} 429s`)
  }

  stop(): void {
    this.#bars?.stop()
  }
}
