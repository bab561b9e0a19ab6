import { monotonicClock, systemClock } from './clock.js'
import { OutputEstimator } from './cost/output.js'
import type { Grant } from './dispatch/attempt.js'
import { checkFields, type ScheduleRequest } from './dispatch/request.js'
import { Dispatcher } from './dispatch/run.js'
import { InvalidRequest } from './errors.js'
import { LiveLimits } from './limits/live.js'
import type { ResolvedLimits } from './limits/resolve.js'
import { shown } from './limits/value.js'
import { Events, type EventName, type HeadgateEvents } from './metrics/events.js'
import type { ModelStats, Stats } from './metrics/stats.js'
import { checkNames, checkOptions, profileOption, type LimiterOptions } from './options.js'
import { profiles } from './route/profile.js'
import { createFetch } from './transport/fetch.js'
import type { Limits } from './types.js'

const DEFAULT_JITTER_MS = 50
const DEFAULT_RETRIES = 4
const DEFAULT_HEAD_DELAY_MS = 2000

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
   * for the limits of their model; all others pass. Hints may come as the headers `x-headgate-priority` and `x-headgate-deadline-ms`, which are not sent.
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
   * Changes limits of a model while it runs, on top of table and overrides, field by field; Infinity lifts one.
   * @throws InvalidLimits
   */
  setLimits(model: string, limits: Limits): void
  /** How each model stands, and what it did in the last `lastMs` (default and at most an hour). */
  stats(options?: { lastMs?: number }): Stats
  /**
   * Calls `listener` at each such event; returns the way to stop that.
   * @throws InvalidRequest for an event that there is not
   */
  on<E extends EventName>(event: E, listener: (event: HeadgateEvents[E]) => void): () => void
  /** Starts nothing until {@link resume}; what runs goes on, and new requests are taken. */
  pause(): void
  resume(): void
  /** Resolves when nothing waits and nothing runs. New requests are still taken. */
  drain(): Promise<void>
  /**
   * Takes no new requests and resolves when those that wait and run have ended. With `abandon`, those that wait are
   * rejected with `LimiterClosed`. Calling it again is harmless.
   */
  close(options?: { abandon?: boolean }): Promise<void>
}

/**
 * Makes a limiter. Without options: Model Studio's limits of Singapore (international).
 *
 * @throws InvalidLimits, InvalidRequest for an option that is wrong
 */
export function createLimiter(options: LimiterOptions = {}): Limiter {
  checkOptions(options)
  const profile = profileOption(options.profile)
  const clock = monotonicClock(options.clock ?? systemClock)
  const events = new Events()
  const defaultProfile = profile ?? profiles['model-studio']
  const dispatcher = new Dispatcher({
    clock,
    events,
    random: options.random ?? Math.random,
    profile: defaultProfile,
    resolve: (model, { perSecond }) => live.resolve(model, perSecond),
    fallback: options.fallback ?? {},
    jitterMs: options.jitterMs ?? DEFAULT_JITTER_MS,
    idleSince: options.assumeFresh === true ? -Infinity : clock.now(),
    output: new OutputEstimator(),
    maxRetries: options.maxRetries ?? DEFAULT_RETRIES,
    maxQueue: options.maxQueue ?? Infinity,
    maxHeadDelayMs: options.maxHeadDelayMs ?? DEFAULT_HEAD_DELAY_MS,
    spillAfterMs: options.spillAfterMs,
    weightOf: weightsOf(options.weights),
  })
  // After the dispatcher: a source may tell of its first table while it is subscribed to.
  const live = new LiveLimits(options, () => dispatcher.groups.refresh())
  let closed: Promise<void> | undefined

  const limiter: Limiter = {
    schedule: (request, run) => dispatcher.submit(request, run, checkFields),
    fetch: createFetch({
      clock,
      dispatcher,
      profile,
      maxRetries: options.maxRetries,
      estimator: options.estimator,
      tokenizer: options.tokenizer,
      random: options.random ?? Math.random,
    }),
    predict: (request) => dispatcher.predict(request),
    limitsOf(model) {
      checkModel(model)
      return dispatcher.groups.find(model)?.limits ?? live.resolve(model, defaultProfile.perSecond).limits
    },
    setLimits(model, limits) {
      checkModel(model)
      live.set(model, limits)
    },
    stats: (stats) => statsOf(dispatcher, spanOf(stats), clock.now()),
    on: (event, listener) => events.on(event, listener),
    pause: () => dispatcher.pause(),
    resume: () => dispatcher.resume(),
    drain: () => dispatcher.whenIdle(),
    close(how) {
      dispatcher.close(isAbandoning(how))
      closed ??= dispatcher.whenIdle().finally(() => live.close())
      return closed
    },
    [Symbol.asyncDispose]: () => limiter.close(),
  }
  return limiter
}

function weightsOf(weights: Readonly<Record<string, number>> = {}): (tenant: string | undefined) => number {
  const byTenant = new Map(Object.entries(weights))
  return (tenant) => (tenant === undefined ? 1 : (byTenant.get(tenant) ?? 1))
}

function statsOf(dispatcher: Dispatcher, lastMs: number, now: number): Stats {
  const models: [string, ModelStats][] = []
  let inFlight = 0
  for (const group of dispatcher.groups.all()) {
    inFlight += group.inFlight
    const stats = {
      limits: group.limits,
      windows: group.gate.room(now),
      waiting: dispatcher.waitingFor(group),
      inFlight: group.inFlight,
      heldMs: Math.max(0, group.gate.heldUntil - now),
      ...group.activity.report(lastMs, now),
    }
    models.push([group.model, stats])
  }
  // Not by assignment: a model may be called '__proto__'.
  return {
    models: Object.fromEntries(models),
    waiting: dispatcher.waiting,
    inFlight,
    doubleSettles: dispatcher.doubleSettles,
  }
}

function checkModel(model: unknown): void {
  if (typeof model !== 'string' || model === '')
    throw new InvalidRequest(`model is ${shown(model)}: give the model's exact name`)
}

function spanOf(options: { lastMs?: number | undefined } | undefined): number {
  if (options === undefined) return Infinity
  if (typeof options !== 'object' || options === null)
    throw new InvalidRequest(`stats(options) was given ${shown(options)}: give { lastMs }, or nothing`)
  checkNames('stats', options, ['lastMs'])
  const { lastMs = Infinity } = options
  if (typeof lastMs !== 'number' || !(lastMs > 0))
    throw new InvalidRequest(`lastMs is ${shown(lastMs)}: give milliseconds above 0; an hour is kept`)
  return lastMs
}

function isAbandoning(options: { abandon?: boolean | undefined } | undefined): boolean {
  if (options === undefined) return false
  if (typeof options !== 'object' || options === null)
    throw new InvalidRequest(`close(options) was given ${shown(options)}: give { abandon: true }, or nothing`)
  checkNames('close', options, ['abandon'])
  const { abandon = false } = options
  if (typeof abandon !== 'boolean') throw new InvalidRequest(`abandon is ${shown(abandon)}: give true or false`)
  return abandon
}
