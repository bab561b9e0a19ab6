import { monotonicClock, systemClock } from './clock.js'
import { OutputEstimator } from './tokens/output-estimator.js'
import type { Grant } from './dispatch/attempt.js'
import type { Run } from './dispatch/job.js'
import { checkFields, type JobRequest, type ScheduleRequest } from './dispatch/schedule-request.js'
import { Dispatcher } from './dispatch/dispatcher.js'
import type { Workspace } from './models/workspace.js'
import { InvalidRequest, LimiterClosed } from './errors.js'
import type { Warn } from './limits/sources/limits-host.js'
import { LiveLimits } from './limits/sources/live-limits.js'
import type { ResolvedLimits } from './limits/resolve-limits.js'
import { shown } from './limits/limit-values.js'
import { WorkspaceLimits } from './limits/sources/workspace-limits.js'
import type { EventName, HeadgateEvents } from './metrics/events.js'
import type { ClockPhase } from './quota/clock-phase.js'
import type { Stats } from './metrics/stats.js'
import { checkNames, checkOptions, profileOption, type LimiterOptions } from './options/limiter-options.js'
import { NetworkJitterEstimator } from './learning/network-jitter-estimator.js'
import { ClockPhaseEstimator } from './learning/clock-phase-estimator.js'
import { profiles } from './throttling/profiles.js'
import { createFetch } from './transport/fetch.js'
import type { Limits, LimitsSource, LimitsTable } from './types.js'

const DEFAULT_JITTER_MS = 50
const DEFAULT_RETRIES = 4
const DEFAULT_HEAD_DELAY_MS = 2000
/** A time in 1970 is none that anybody means. */
const MAX_SPAN_MS = 365 * 24 * 3_600_000

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
   * Takes no new requests and resolves when those that wait and run have ended; while paused, those that wait do so until
   * {@link resume}. With `abandon`, they are rejected with `LimiterClosed`. Calling it again is harmless.
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
  const defaultProfile = profile ?? profiles['model-studio']
  const random = options.random ?? Math.random
  const jitter = new NetworkJitterEstimator(DEFAULT_JITTER_MS)
  const phases = new ClockPhaseEstimator()
  const output = new OutputEstimator()
  const dispatcher = new Dispatcher({
    clock,
    random,
    profile: defaultProfile,
    resolve: (model, { perSecond }) => live.resolve(model, perSecond),
    fallback: options.fallback ?? {},
    probeHigherLimits: options.probeHigherLimits ?? false,
    networkJitterMs: () => options.networkJitterMs ?? jitter.networkJitterMs,
    jitter: options.networkJitterMs === undefined ? jitter : undefined,
    phase: () => phases.at(clock.now()),
    phases,
    idleSince: options.startFull === true ? -Infinity : clock.now(),
    output,
    maxRetries: options.maxRetries ?? DEFAULT_RETRIES,
    maxQueue: options.maxQueue ?? Infinity,
    maxBackfillDelayMs: options.maxBackfillDelayMs ?? DEFAULT_HEAD_DELAY_MS,
    fallbackAfterWaitMs: options.fallbackAfterWaitMs,
    weightOf: weightsOf(options.tenantWeights),
  })
  // After the dispatcher: a source may tell of its first table while it is subscribed to.
  const { account } = dispatcher
  const inside = new Set<Limiter>()
  const live = new LiveLimits({ ...options, clock, warn: warningsOf(() => account.main) }, () => account.refresh())
  const forgetRefusals = tellRefusals(account.main, live)

  /** `limits`: what holds in the workspace. */
  function limiterOf(workspace: Workspace, limits: WorkspaceLimits | LiveLimits, ended: () => void): Limiter {
    const submit = <T>(request: JobRequest, run: Run<T>) => dispatcher.submit(workspace, request, run)
    let closed: Promise<void> | undefined
    const limiter: Limiter = {
      schedule: (request, run) => dispatcher.submit(workspace, request, run, checkFields),
      fetch: createFetch({
        clock,
        submit,
        profile,
        maxRetries: options.maxRetries,
        estimator: options.estimator,
        tokenizer: options.tokenizer,
        random,
      }),
      predict: (request) => dispatcher.predict(workspace, request),
      limitsOf(model) {
        checkModel(model)
        return workspace.models.find(model)?.limits ?? limits.resolve(model, defaultProfile.perSecond).limits
      },
      setLimits(model, values, how) {
        checkModel(model)
        limits.set(model, values, untilOf(how))
      },
      workspace(name, values) {
        checkWorkspace(name, workspace)
        let added: Workspace | undefined
        const within = new WorkspaceLimits(
          {
            name,
            limits: values,
            perSecond: options.perSecond,
            account(model, perSecondDefault) {
              const resolved = live.resolve(model, perSecondDefault)
              const limits = account.main.models.find(model)?.effectiveLimits.limits ?? resolved.limits
              return { ...resolved, limits, source: limits.source }
            },
            perSecondDefault: defaultProfile.perSecond,
            clock,
            warn: warningsOf(() => added),
          },
          (fault) => {
            if (fault !== undefined) added?.events.emit('warning', { message: String(fault), cause: fault })
            added?.models.refresh()
          },
        )
        try {
          added = account.add(name, (model, { perSecond }) => within.resolve(model, perSecond))
        } catch (error) {
          within.close()
          throw error
        }
        const made = added
        const forget = tellRefusals(made, within)
        const limiterInside = limiterOf(made, within, () => {
          inside.delete(limiterInside)
          forget()
          account.forget(made)
        })
        inside.add(limiterInside)
        return limiterInside
      },
      stats: (given) => ({
        ...account.report(workspace, spanOf(given), clock.now(), (model) => output.lengthsOf(model)),
        doubleSettles: dispatcher.doubleSettles,
        networkJitter: {
          ms: options.networkJitterMs ?? jitter.networkJitterMs,
          origin: options.networkJitterMs === undefined ? jitter.origin : 'user',
        },
        clockPhase: phaseStats(phases.at(clock.now())),
      }),
      on: (event, listener) => workspace.events.on(event, listener),
      pause: () => account.pause(workspace),
      resume: () => account.resume(workspace),
      drain: () => workspace.idle.whenIdle(),
      close(how) {
        const abandon = isAbandoning(how)
        account.close(workspace, abandon)
        if (workspace === account.main) for (const each of inside) void each.close({ abandon })
        closed ??= workspace.idle.whenIdle().then(() => {
          ended()
          closeLimits(limits, workspace)
        })
        return closed
      },
      [Symbol.asyncDispose]: () => limiter.close(),
    }
    return limiter
  }

  return limiterOf(account.main, live, forgetRefusals)
}

function phaseStats(phase: ClockPhase | undefined): Stats['clockPhase'] {
  if (phase === undefined) return { offsetMs: undefined, spanMs: undefined, origin: 'unknown' }
  return { offsetMs: phase.fromMs, spanMs: phase.toMs - phase.fromMs, origin: 'learned' }
}

function weightsOf(weights: Readonly<Record<string, number>> = {}): (tenant: string | undefined) => number {
  const byTenant = new Map(Object.entries(weights))
  return (tenant) => (tenant === undefined ? 1 : (byTenant.get(tenant) ?? 1))
}

/** A source of limits may have something to say of a workspace that is not made yet: nobody could listen. */
function warningsOf(workspace: () => Workspace | undefined): Warn {
  return (message, cause) => workspace()?.events.emit('warning', { message, ...(cause !== undefined && { cause }) })
}

/** A source that wants to hears of what is refused; returns the way to stop that. Those of a workspace are the account's, too. */
function tellRefusals({ events }: Workspace, limits: WorkspaceLimits | LiveLimits): () => void {
  if (!limits.hearsRefusals) return () => {}
  return events.on('throttled', ({ model, class: kind }) => {
    if (kind === 'requests' || kind === 'tokens') limits.refused(model, kind)
  })
}

/** In ms since 1970; undefined: for good. */
function untilOf(options: { until?: Date | number | undefined } | undefined): number | undefined {
  if (options === undefined) return undefined
  if (typeof options !== 'object' || options === null)
    throw new InvalidRequest(
      `setLimits(model, limits, options) was given ${shown(options)}: give { until }, or nothing`,
    )
  checkNames('setLimits', options, ['until'])
  const { until } = options
  if (until === undefined) return undefined
  const at = until instanceof Date ? until.getTime() : until
  if (typeof at !== 'number' || !Number.isFinite(at))
    throw new InvalidRequest(`until is ${shown(until)}: give a Date, or ms since 1970`)
  const now = Date.now()
  if (at > now) return at
  const meant =
    at >= 0 && at < MAX_SPAN_MS ? `: give a time, such as Date.now() + ${at}, not a span` : ', which has passed'
  throw new InvalidRequest(`until is ${until instanceof Date ? until.toISOString() : at}${meant}`)
}

/** What ends the subscription to a source is the user's own code. */
function closeLimits(limits: WorkspaceLimits | LiveLimits, { events }: Workspace): void {
  try {
    limits.close()
  } catch (cause) {
    events.emit('warning', {
      message: `The source of limits threw when its subscription ended: ${String(cause)}`,
      cause,
    })
  }
}

function checkModel(model: unknown): void {
  if (typeof model !== 'string' || model === '')
    throw new InvalidRequest(`model is ${shown(model)}: give the model's exact name`)
}

function checkWorkspace(name: unknown, within: Workspace): void {
  if (within.account !== undefined) throw new InvalidRequest('A workspace has none inside: ask the account for it')
  if (typeof name !== 'string' || name === '')
    throw new InvalidRequest(`workspace(name, limits): name is ${shown(name)}: give the name of the workspace`)
  if (within.isClosed) throw new LimiterClosed('The limiter is closed and takes no new workspaces')
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
