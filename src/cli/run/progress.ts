import { MultiBar, Presets, type SingleBar } from 'cli-progress'
import type { RunStatus } from './run-status.js'
import type { Terminal } from '../terminal/terminal.js'

const ON_SCREEN_EVERY_MS = 500
const LINE_EVERY_MS = 5000

export interface ProgressOptions {
  readonly terminal: Terminal
  /** A line of JSON in place of each line of text. */
  readonly json: boolean
  readonly quiet: boolean
  readonly status: () => RunStatus
}

/** Prints the progress of a run to standard error: in place on a terminal, otherwise as one line every five seconds. */
export class Progress {
  readonly #options: ProgressOptions
  #timer: NodeJS.Timeout | undefined
  #screen: { readonly bars: MultiBar; readonly bar: SingleBar; readonly rows: readonly SingleBar[] } | undefined

  constructor(options: ProgressOptions) {
    this.#options = options
  }

  begin(): void {
    const { terminal, json, quiet } = this.#options
    if (quiet) return
    const { screen } = terminal
    if (screen !== undefined && !json) this.#screen = openScreen(screen, this.#options.status().total !== undefined)
    this.#timer = setInterval(() => this.#show(), this.#screen === undefined ? LINE_EVERY_MS : ON_SCREEN_EVERY_MS)
  }

  end(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    if (this.#screen === undefined) return
    this.#show()
    this.#screen.bars.stop()
    this.#screen = undefined
  }

  /** Prints a permanent line. */
  say(text: string): void {
    if (this.#screen === undefined) this.#options.terminal.err(`${text}\n`)
    else this.#screen.bars.log(`${text}\n`)
  }

  #show(): void {
    const { terminal, json } = this.#options
    const status = this.#options.status()
    if (this.#screen !== undefined) {
      const { bar, rows } = this.#screen
      const total = status.total ?? 0
      bar.setTotal(Math.max(total, 1))
      bar.update(Math.min(status.done, Math.max(total, 1)), {
        text: status.total !== undefined ? leftText(status) : `${duration(status.elapsedMs)} so far`,
      })
      // A terminal of 80 columns shows all of each.
      const texts = [linesText(status), ratesText(status), heldText(status)]
      for (const [index, row] of rows.entries()) row.update(0, { text: texts[index] })
    } else if (json) terminal.err(`${JSON.stringify({ progress: status })}\n`)
    else {
      const texts = [linesText(status), leftText(status), ratesText(status), heldText(status)]
      terminal.err(`${texts.filter((text) => text !== '').join(' · ')}\n`)
    }
  }
}

/** Without a total, as of the standard input, no bar: it would be full at once. */
function openScreen(
  stream: NodeJS.WriteStream,
  hasTotal: boolean,
): { bars: MultiBar; bar: SingleBar; rows: SingleBar[] } {
  const options = { stream, hideCursor: false, linewrap: false, forceRedraw: true, barsize: 24, emptyOnZero: true }
  const bars = new MultiBar(options, Presets.rect)
  const bar = bars.create(1, 0, { text: '' }, { format: hasTotal ? '[{bar}] {percentage}%  {text}' : '{text}' })
  const rows = [1, 2, 3].map(() => bars.create(1, 0, { text: '' }, { format: '{text}' }))
  return { bars, bar, rows }
}

function linesText({ total, done, failed, inFlight, waiting }: RunStatus): string {
  const of = total === undefined ? '' : ` of ${count(total)}`
  return `${count(done)}${of} done, ${count(failed)} failed · ${count(inFlight)} in flight, ${count(waiting)} waiting`
}

function leftText({ leftMs }: RunStatus): string {
  return leftMs === undefined ? '' : `${duration(leftMs)} left`
}

function ratesText({ requestsPerMinute, rpm, tokensPerMinute, tpm }: RunStatus): string {
  const requests = `${count(requestsPerMinute)}${rpm === undefined ? '' : ` of ${count(rpm)}`} requests/min`
  const tokens = `${count(tokensPerMinute)}${tpm === undefined ? '' : ` of ${count(tpm)}`} tokens/min`
  return `${requests} · ${tokens}`
}

/** Returns the text with the binding limit and the cost. */
function heldText(status: RunStatus): string {
  const { bound, throttled } = status
  const parts = [...(bound === undefined ? [] : [`bound by ${bound}`]), `${count(throttled)} 429s`, ...costText(status)]
  return parts.join(' · ')
}

function costText({ cost, expectedCost, currency }: RunStatus): string[] {
  if (cost === undefined) return []
  const expected = expectedCost === undefined ? '' : ` of about ${money(expectedCost)}`
  return [`${money(cost)}${expected} ${currency}`]
}

/** With four digits where two would be none. */
export function money(amount: number): string {
  return amount.toFixed(amount > 0 && amount < 1 ? 4 : 2)
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** Such as `1h02m`, `3m20s`, `12s`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  const two = (value: number): string => String(value).padStart(2, '0')
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`
  return `${Math.floor(seconds / 3600)}h${two(Math.floor(seconds / 60) % 60)}m`
}
