import type { RunCounts } from '../../batch/run/run-counts.js'
import { costOf, type PricesTable } from '../../batch/prices/prices.js'
import type { RampSettings } from '../../batch/run/ramp-up.js'
import type { ModelStats, Stats } from '../../metrics/stats.js'
import type { Usage } from '../../types.js'
import { quotaMsOf, TimeLeft, type RunPace } from './time-left.js'

/** The status of a run. Times are in ms. */
export interface RunStatus {
  readonly total: number | undefined
  /** Lines that stand in the output, those from before among them. */
  readonly done: number
  /** Those of `done` that failed. */
  readonly failed: number
  readonly inFlight: number
  readonly waiting: number
  /** In the last minute. */
  readonly requestsPerMinute: number
  readonly tokensPerMinute: number
  /** The limits of all models together; undefined where one of them has none. */
  readonly rpm: number | undefined
  readonly tpm: number | undefined
  /** What holds the run back: a limit of a model, `concurrency`, or nothing that is known. */
  readonly bound: string | undefined
  readonly throttled: number
  /** Of this run, by the answers whose price is known; undefined before the first. */
  readonly cost: number | undefined
  readonly expectedCost: number | undefined
  /** ISO 4217: of all costs, that of the first price. */
  readonly currency: string | undefined
  /** Answers whose price is not known, or in another currency: they are in no cost. */
  readonly unpriced: number
  readonly leftMs: number | undefined
  readonly elapsedMs: number
}

const MINUTE_MS = 60_000
/** Filled share above which a window counts as the binding limit. Chosen. It only affects the printed status. */
const FULL = 0.9

/** Makes a status of what the run and its limiter tell. */
export class StatusKeeper {
  readonly #timeLeft = new TimeLeft()
  readonly #prices: PricesTable
  readonly #priceShare: number
  readonly #concurrency: number
  readonly #beganAt: number
  readonly #ramp: RampSettings | undefined
  readonly #isRamping: () => boolean
  #firstAt: number | undefined
  #throttled = 0
  #cost = 0
  #currency: string | undefined
  #priced = 0
  #unpriced = 0

  constructor(options: {
    readonly prices?: PricesTable | undefined
    /** What of the prices is paid. @default 1 */
    readonly priceShare?: number | undefined
    readonly concurrency: number
    readonly now: number
    readonly ramp?: RampSettings | undefined
    /** Whether the limits in force are still those of `ramp`. */
    readonly isRamping?: (() => boolean) | undefined
  }) {
    this.#prices = options.prices ?? {}
    this.#priceShare = options.priceShare ?? 1
    this.#concurrency = options.concurrency
    this.#beganAt = options.now
    this.#ramp = options.ramp
    this.#isRamping = options.isRamping ?? (() => false)
  }

  /** Records the first request. */
  began(now: number): void {
    this.#firstAt ??= now
  }

  /** Records a 429. */
  throttled(): void {
    this.#throttled++
  }

  /** Records an answer. */
  answered(model: string | undefined, usage: Usage | undefined): void {
    if (model === undefined || usage === undefined) return
    const { inputTokens, outputTokens, thinkingTokens = 0 } = usage
    const tokens = { inputTokens, outputTokens, thinkingOutputTokens: thinkingTokens > 0 ? outputTokens : 0 }
    const cost = costOf(model, tokens, this.#prices, this.#priceShare)
    if (!cost.known || (this.#currency ??= cost.currency) !== cost.currency) {
      this.#unpriced++
      return
    }
    this.#cost += cost.amount
    this.#priced++
  }

  /** `recent` is of the last minute. */
  status(counts: RunCounts, recent: Stats, now: number): RunStatus {
    const { total, succeeded, failed, skipped, skippedFailed, inFlight, waiting } = counts
    const done = succeeded + failed + skipped
    const left = total === undefined ? undefined : Math.max(0, total - done)
    const models = Object.values(recent.models)
    const tokens = succeeded === 0 ? 0 : (counts.inputTokens + counts.outputTokens) / succeeded
    const spanMinutes = Math.min(1, Math.max(1e-3, (now - this.#beganAt) / MINUTE_MS))
    return {
      total,
      done,
      failed: failed + skippedFailed,
      inFlight,
      waiting,
      requestsPerMinute: sum(models.map(({ calls }) => calls)) / spanMinutes,
      tokensPerMinute: sum(models.map(({ averageTpm }) => averageTpm)),
      rpm: sumOfKnown(models.map(({ limits }) => limits.rpm)),
      tpm: sumOfKnown(models.map(({ limits }) => limits.tpm)),
      bound: boundOf(recent) ?? (inFlight >= FULL * this.#concurrency ? 'concurrency' : undefined),
      throttled: this.#throttled,
      ...this.#costs(left),
      leftMs:
        left === undefined
          ? undefined
          : this.#timeLeft.update({ done: succeeded + failed, left, ...this.#paceOf(recent, tokens, now) }, now),
      elapsedMs: now - this.#beganAt,
    }
  }

  #paceOf(recent: Stats, tokens: number, now: number): Pick<RunPace, 'quotaMs' | 'slow'> {
    const nowMs = quotaOf(recent, tokens, 1)
    if (this.#ramp === undefined || !this.#isRamping()) return { quotaMs: nowMs, slow: undefined }
    const leftMs = Math.max(0, (this.#firstAt ?? now) + this.#ramp.ms - now)
    return { quotaMs: quotaOf(recent, tokens, this.#ramp.share), slow: { quotaMs: nowMs, leftMs } }
  }

  #costs(left: number | undefined): Pick<RunStatus, 'cost' | 'expectedCost' | 'currency' | 'unpriced'> {
    const [currency, unpriced] = [this.#currency, this.#unpriced]
    if (currency === undefined) return { cost: undefined, expectedCost: undefined, currency, unpriced }
    const perLine = this.#cost / this.#priced
    // Of the lines that are left, as many will have a price as had one.
    const share = this.#priced / (this.#priced + unpriced)
    const expectedCost = left === undefined ? undefined : this.#cost + left * share * perLine
    return { cost: this.#cost, expectedCost, currency, unpriced }
  }
}

/** The limit whose window is fullest, of all models, if that holds requests back. */
function boundOf({ models }: Stats): string | undefined {
  const several = Object.keys(models).length > 1
  const uses = Object.entries(models).flatMap(([model, { windows }]) =>
    windows.map(({ limit, used, effective }) => ({
      name: several ? `${limit} of ${model}` : limit,
      use: used / effective,
    })),
  )
  const fullest = uses.reduce((a, b) => (b.use > a.use ? b : a), { name: '', use: 0 })
  return fullest.use >= FULL ? fullest.name : undefined
}

/**
 * Where lines go to several models, each with limits of its own, as fast as the slowest of them by its share. `share`: what
 * part of their limits of requests those in force are.
 */
function quotaOf({ models, networkJitter }: Stats, tokens: number, share: number): number {
  const calls = sum(Object.values(models).map((model) => model.calls))
  if (calls === 0) return 0
  return Math.max(
    0,
    ...Object.values(models).map(
      (model) => (model.calls / calls) * quotaMsOf(raised(model.limits, share), tokens, networkJitter.ms),
    ),
  )
}

function raised({ rpm, rps, tpm, tps }: ModelStats['limits'], share: number): Parameters<typeof quotaMsOf>[0] {
  return { rpm: rpm && rpm / share, rps: rps && rps / share, tpm, tps }
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}

function sumOfKnown(values: readonly (number | undefined)[]): number | undefined {
  return values.length === 0 || values.includes(undefined) ? undefined : sum(values as number[])
}
