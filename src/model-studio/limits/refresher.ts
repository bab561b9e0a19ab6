import { orAborted } from '../../abort-signals.js'
import { systemClock } from '../../clock.js'
import { limitsHost } from '../../limits/sources/limits-host.js'
import type { LimitsHost } from '../../types.js'

/**
 * Minimum time from a read to the next one after a 429, in ms. Chosen. A larger value adopts changed limits later. A smaller
 * value makes more calls.
 */
const AFTER_REFUSAL_MS = 10_000
/**
 * Delay after the first failed read, in ms. It doubles with each failure. Chosen. A smaller value makes more calls during an
 * outage.
 */
const FIRST_RETRY_MS = 10_000
/** Maximum delay after a failed read, in ms. Chosen. A larger value recovers later after an outage. */
const MAX_RETRY_MS = 15 * 60_000

/** One read, from its beginning to its end. */
interface Reading {
  readonly controller: AbortController
  readonly cancelTimeout: () => void
  readonly done: Promise<void>
}

export interface RefresherOptions<T> {
  /** What is read, as warnings call it. */
  readonly what: string
  /** How long one read may take, in ms. */
  readonly timeoutMs: number
  readonly read: (signal: AbortSignal) => Promise<T>
  /** Takes what was read; says when to read again, in ms from now; Infinity: when told to. */
  readonly take: (read: T) => number
  /** The most that there is between two reads, in ms, where reads fail. */
  readonly refreshMs: number
}

/**
 * Reads a value repeatedly while a limiter is attached: at its interval and after a 429. Only one read runs at a time. A failed read
 * is retried with a growing delay. The first failure in a row emits a warning.
 */
export class Refresher<T> {
  readonly #options: RefresherOptions<T>
  /** Whom it works for; the first one's clock counts. */
  readonly #hosts: LimitsHost[] = []
  #reading: Reading | undefined
  #cancelTimer: (() => void) | undefined
  #timerAt = Infinity
  #beganAt = -Infinity
  #failures = 0
  #isFresh = false
  #isAsked = false
  #isClosed = false

  constructor(options: RefresherOptions<T>) {
    this.#options = options
  }

  /** Begins, for a limiter; returns what ends that. */
  attach(host: LimitsHost): () => void {
    if (this.#isClosed) return () => {}
    this.#hosts.push(host)
    if (this.#hosts.length === 1) {
      if (this.#isFresh) {
        // It was read by another clock, whose zero point may be elsewhere.
        this.#beganAt = host.now()
        this.#wakeIn(this.#options.refreshMs)
      } else void this.#begin()
      this.#isFresh = false
    }
    return () => this.#detach(host)
  }

  /** What was read may be out of date. */
  refused(): void {
    const [host] = this.#hosts
    // Where it cannot be read, trying sooner does not help.
    if (host === undefined || this.#failures > 0) return
    if (this.#reading !== undefined) this.#isAsked = true
    else this.#wakeIn(Math.max(0, this.#beganAt + AFTER_REFUSAL_MS - host.now()), true)
  }

  /** Reads now, or waits for the read that goes on. @throws why it failed */
  refresh(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error(`${this.#options.what}: closed, and read no more`))
    return this.#begin()
  }

  warn(message: string, cause?: unknown): void {
    for (const host of this.#hosts) host.warn(message, cause)
  }

  /** Ends for good. */
  close(): void {
    this.#isClosed = true
    this.#hosts.length = 0
    this.#halt()
  }

  #detach(host: LimitsHost): void {
    const index = this.#hosts.indexOf(host)
    if (index === -1) return
    this.#hosts.splice(index, 1)
    if (this.#hosts.length === 0) this.#halt()
    else if (index === 0) {
      // Another clock: of the one before nothing may be left.
      this.#halt()
      void this.#begin()
    }
  }

  #halt(): void {
    this.#stopTimer()
    const reading = this.#reading
    this.#reading = undefined
    this.#isAsked = false
    this.#failures = 0
    reading?.cancelTimeout()
    reading?.controller.abort(new Error('it was closed'))
  }

  /** `isSooner`: unless that is to be sooner anyway. */
  #wakeIn(delayMs: number, isSooner = false): void {
    const [host] = this.#hosts
    if (host === undefined) return
    const at = host.now() + delayMs
    if (isSooner && this.#timerAt <= at) return
    this.#stopTimer()
    if (at === Infinity) return
    this.#timerAt = at
    this.#cancelTimer = host.wakeIn(delayMs, () => void this.#begin())
  }

  /** Starts a read, or returns the one that runs. A caller may ignore the promise: its rejection is handled here. */
  #begin(): Promise<void> {
    if (this.#reading !== undefined) return this.#reading.done
    this.#stopTimer()
    const { timeoutMs } = this.#options
    const host = this.#hosts[0] ?? limitsHost(systemClock, () => {})
    this.#beganAt = host.now()
    const controller = new AbortController()
    const late = (): void => controller.abort(new Error(`it took longer than ${timeoutMs} ms`))
    const cancelTimeout = host.wakeIn(timeoutMs, late)
    const reading: Reading = { controller, cancelTimeout, done: this.#read(controller, cancelTimeout) }
    this.#reading = reading
    // Whoever asked for it hears of a failure; nobody need have.
    reading.done.catch(() => {})
    return reading.done
  }

  async #read(controller: AbortController, cancelTimeout: () => void): Promise<void> {
    const { read, take } = this.#options
    const { signal } = controller
    try {
      const value = await orAborted(
        Promise.resolve().then(() => read(signal)),
        signal,
      )
      if (signal.aborted) throw signal.reason
      this.#succeeded(take(value))
    } catch (error) {
      // One that was stopped has no say any more.
      if (this.#reading?.controller === controller) this.#failed(error)
      throw error
    } finally {
      cancelTimeout()
    }
  }

  #succeeded(nextMs: number): void {
    const isAsked = this.#isAsked
    this.#reading = undefined
    this.#isAsked = false
    this.#failures = 0
    this.#isFresh = this.#hosts.length === 0
    this.#wakeIn(nextMs)
    if (isAsked) this.refused()
  }

  #failed(error: unknown): void {
    const { what, refreshMs } = this.#options
    this.#reading = undefined
    this.#isAsked = false
    this.#failures++
    if (this.#failures === 1) {
      const why = error instanceof Error ? error.message : String(error)
      this.warn(`${what} could not be read, and what was known last stands: ${why}`, error)
    }
    this.#wakeIn(Math.min(refreshMs, MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 10)))
  }

  #stopTimer(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#timerAt = Infinity
  }
}
