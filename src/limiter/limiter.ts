import type { Grant } from '../dispatch/attempt.js'
import type { Hints } from '../dispatch/hints.js'
import type { ScheduleRequest } from '../dispatch/schedule-request.js'
import type { ResolvedLimits } from '../limits/resolve-limits.js'
import type { EventName, HeadgateEvents } from '../metrics/events.js'
import type { Stats } from '../metrics/stats.js'
import type { Limits, LimitsSource, LimitsTable } from '../types.js'

/**
 * Keeps requests at the full quota of their models and clear of 429s. One per account and region: two of them do not know
 * of each other.
 */
export interface Limiter extends AsyncDisposable {
  /**
   * Runs `run` as soon as the limits of the request's model allow it, and resolves to what it returns. An error with
   * `status` 429 is treated as the service's: the model is held and the request repeated, at a backup or later.
   *
   * @throws RequestTooLarge, QueueFull, DeadlineImpossible, QuotaExhausted, LimiterClosed, InvalidRequest; the signal's reason on abort; else
   * what `run` threw last
   */
  schedule<T>(request: ScheduleRequest, run: (grant: Grant) => T | PromiseLike<T>): Promise<T>
  /**
   * A drop-in `fetch` for any SDK that takes one. Calls of chat completions, completions, embeddings and responses wait
   * for the limits of their model; all others pass. Hints may come as the headers `x-headgate-priority`, `x-headgate-tenant` and
   * `x-headgate-deadline-ms`, which are not sent.
   */
  readonly fetch: typeof globalThis.fetch
  /**
   * Which model a request would go to if it were scheduled now, and how long it would wait, in ms, by what waits and by the
   * limits as they are; Infinity where that depends on more than time (`concurrency`). Reserves nothing.
   *
   * @throws RequestTooLarge, QuotaExhausted, DeadlineImpossible, InvalidRequest
   */
  predict(request: ScheduleRequest): { model: string; waitMs: number }
  /** The limits in force for a model, and where they come from. */
  limitsOf(model: string): ResolvedLimits
  /**
   * Changes limits of a model while it runs, on top of table and overrides, field by field; Infinity lifts one. With `until`, a
   * `Date` or ms since 1970, they go back by themselves then, to whatever holds below them at that time; `limitsOf` shows it.
   * What is set later stands above what was set before.
   *
   * @throws InvalidLimits; InvalidRequest for a time that has passed
   */
  setLimits(model: string, limits: Limits, options?: { until?: Date | number | undefined }): void
  /**
   * A limiter for a workspace inside this one, the account: its requests are charged to both, all or nothing. `limits` are its
   * own by model; a model that it does not name has the account's alone. Priorities and tenants are its own; where the account's
   * quota is short, workspaces take turns. Whatever closes or pauses the account closes or pauses it too.
   *
   * @throws InvalidLimits for a limit above the account's; InvalidRequest for a name that is taken
   */
  workspace(name: string, limits: LimitsTable | LimitsSource): Limiter
  /** How each model and tenant stands, and what it did in the last `lastMs` (default and at most an hour). */
  stats(options?: { lastMs?: number }): Stats
  /**
   * Calls `listener` at each such event; returns the way to stop that. A `warning` that nobody listens to is printed, each
   * message once: as Node's `process.emitWarning` does, else by `console.warn`.
   *
   * @throws InvalidRequest for an event that there is not
   */
  on<E extends EventName>(event: E, listener: (event: HeadgateEvents[E]) => void): () => void
  /**
   * This limiter with `hints` on all that goes through its `schedule`, `fetch` and `predict`; what a request says itself comes first.
   * All else is shared: limits, queues, events, statistics, the end. Hints add up: `limiter.with({ tenant }).with({ priority })`.
   *
   * @example
   * const client = limitOpenAI(new OpenAI(), limiter.with({ tenant: 'web', priority: 5 }))
   * @throws InvalidRequest for a hint that there is not, or a value that is wrong
   */
  with(hints: Hints): Limiter
  /**
   * A function like `fn`, with the same arguments and result, whose calls go through {@link schedule}: each waits for the limits
   * of its request, and is repeated where that helps. A `usage` in the result settles it. `request` may be made from the
   * arguments. No backup takes over, because `fn` is not told which model to call.
   *
   * @example
   * const embed = limiter.wrap((text: string) => ({ model: 'text-embedding-v4', tokens: text.length }), callService)
   * @throws InvalidRequest where `request` or `fn` is wrong; the returned function rejects as {@link schedule} does
   */
  wrap<A extends unknown[], T>(
    request: ScheduleRequest | ((...args: A) => ScheduleRequest),
    fn: (...args: A) => T | PromiseLike<T>,
  ): (...args: A) => Promise<T>
  /** Starts nothing until {@link resume}; what runs goes on, and new requests are taken. */
  pause(): void
  resume(): void
  /** Resolves when nothing waits and nothing runs. New requests are still taken. */
  drain(): Promise<void>
  /**
   * Takes no new requests and resolves when those that wait and run have ended; while paused, those that wait do so until
   * {@link resume}. With `abandon`, they are rejected with `LimiterClosed`. Calling it again is harmless.
   */
  close(options?: { abandon?: boolean }): Promise<void>
}
