import type { Grant } from '../dispatch/attempt.js'
import type { Hints } from '../dispatch/hints.js'
import type { ScheduleRequest } from '../dispatch/schedule-request.js'
import type { ResolvedLimits } from '../limits/resolve-limits.js'
import type { EventName, HeadgateEvents } from '../metrics/events.js'
import type { Stats } from '../metrics/stats.js'
import type { Limits, LimitsSource, LimitsTable } from '../types.js'

/**
 * Sends requests at the full quota of their models and avoids 429s. Use one limiter for each account and region, because two
 * limiters do not know each other's use.
 */
export interface Limiter extends AsyncDisposable {
  /**
   * Runs `run` as soon as the limits of the request's model allow it, and resolves to its result.
   *
   * An error with `status` 429 counts as the service's. The limiter then holds the model and repeats the request, at a backup
   * or later.
   *
   * @throws RequestTooLarge, QueueFull, DeadlineImpossible, QuotaExhausted, LimiterClosed, InvalidRequest; the signal's reason
   * on abort; otherwise the last error that `run` threw
   */
  schedule<T>(request: ScheduleRequest, run: (grant: Grant) => T | PromiseLike<T>): Promise<T>
  /**
   * A drop-in `fetch` for any SDK that accepts one.
   *
   * Chat completions, completions, embeddings and responses wait for the limits of their model. All other calls pass at once.
   * The headers `x-headgate-priority`, `x-headgate-tenant` and `x-headgate-deadline-ms` are hints, and are not sent.
   */
  readonly fetch: typeof globalThis.fetch
  /**
   * The model that a request would go to now, and its wait in ms. Reserves nothing.
   *
   * The prediction uses the waiting requests and the effective limits. `waitMs` is Infinity if the wait depends on more than
   * time, such as `concurrency`.
   *
   * @throws RequestTooLarge, QuotaExhausted, DeadlineImpossible, InvalidRequest
   */
  predict(request: ScheduleRequest): { model: string; waitMs: number }
  /** The effective limits of a model and their source. */
  limitsOf(model: string): ResolvedLimits
  /**
   * Changes the limits of a model while the limiter runs, field by field, on top of table and overrides. `Infinity` removes a
   * limit.
   *
   * `until` is a `Date` or ms since 1970. The change ends then, and the limits below it apply again. `limitsOf` shows it. A
   * later call takes precedence over an earlier one.
   *
   * @throws InvalidLimits; InvalidRequest for a time that has passed
   */
  setLimits(model: string, limits: Limits, options?: { until?: Date | number | undefined }): void
  /**
   * A limiter for a workspace inside this limiter, the account. Each request is charged to both, or to neither.
   *
   * `limits` are the workspace's own, by model. For other models only the account's limits apply. A workspace has its own
   * priorities and tenants. Where the account's quota is short, workspaces take turns. Closing or pausing the account also
   * closes or pauses its workspaces.
   *
   * @throws InvalidLimits for a limit above the account's; InvalidRequest for a name in use
   */
  workspace(name: string, limits: LimitsTable | LimitsSource): Limiter
  /**
   * The state of each model and tenant, and its counts over the last `lastMs` ms: by default an hour, the maximum.
   */
  stats(options?: { lastMs?: number }): Stats
  /**
   * Calls `listener` at each `event`, and returns a function that removes it.
   *
   * A `warning` without a listener is printed, each message once: by Node's `process.emitWarning`, otherwise by `console.warn`.
   *
   * @throws InvalidRequest for an unknown event
   */
  on<E extends EventName>(event: E, listener: (event: HeadgateEvents[E]) => void): () => void
  /**
   * A view of this limiter that adds `hints` to each `schedule`, `fetch` and `predict`. A request's own hints take precedence.
   *
   * The view shares limits, queues, events, statistics and `close` with this limiter. Hints accumulate:
   * `limiter.with({ tenant }).with({ priority })`.
   *
   * @example
   * const client = limitOpenAI(new OpenAI(), limiter.with({ tenant: 'web', priority: 5 }))
   * @throws InvalidRequest for an unknown hint or a wrong value
   */
  with(hints: Hints): Limiter
  /**
   * A function with the arguments and the result of `fn`, whose calls go through {@link schedule}. Each call waits for the
   * limits of its request, and is repeated if a retry may help.
   *
   * A `usage` in the result settles the request. `request` may be a function of the arguments. Backups are not used, because
   * `fn` does not learn the model.
   *
   * @example
   * const embed = limiter.wrap((text: string) => ({ model: 'text-embedding-v4', tokens: text.length }), callService)
   * @throws InvalidRequest if `request` or `fn` is wrong; the returned function rejects as {@link schedule} does
   */
  wrap<A extends unknown[], T>(
    request: ScheduleRequest | ((...args: A) => ScheduleRequest),
    fn: (...args: A) => T | PromiseLike<T>,
  ): (...args: A) => Promise<T>
  /** Starts no request until {@link resume}. Running requests continue, and new ones are accepted. */
  pause(): void
  resume(): void
  /** Resolves when no request waits or runs. New requests are still accepted. */
  drain(): Promise<void>
  /**
   * Accepts no new requests, and resolves when all waiting and running ones have ended.
   *
   * While paused, waiting requests wait for {@link resume}. With `abandon`, they are rejected with `LimiterClosed`. A second
   * call is harmless.
   */
  close(options?: { abandon?: boolean }): Promise<void>
}
