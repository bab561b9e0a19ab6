import type { Clock } from '../clock.js'
import type { Grant } from '../dispatch/attempt.js'
import type { Dispatcher } from '../dispatch/dispatcher.js'
import type { Hints } from '../dispatch/hints.js'
import { checkFields, type ScheduleRequest } from '../dispatch/schedule-request.js'
import type { ResolvedLimits } from '../limits/resolve-limits.js'
import type { EventName, HeadgateEvents } from '../metrics/events.js'
import type { Stats } from '../metrics/stats.js'
import type { ClockPhase } from '../quota/clock-phase.js'
import type { OutputLengths } from '../tokens/output-estimator.js'
import { createFetch, type FetchOptions } from '../transport/fetch.js'
import { UnmeteredCalls } from '../transport/unmetered-calls.js'
import type { Limits, LimitsSource, LimitsTable } from '../types.js'
import { checkModel, checkWorkspace, isAbandoning, spanOf, untilOf } from './limiter-arguments.js'
import type { Limiter } from './limiter.js'
import { limiterView } from './limiter-view.js'
import type { OpenWorkspace } from './open-workspace.js'
import { wrappedFunction } from './wrapped-function.js'

/** The parts that an account's limiter and its workspaces' limiters share. */
export interface LimiterParts {
  readonly dispatcher: Dispatcher
  readonly clock: Clock
  readonly fetch: Omit<FetchOptions, 'submit' | 'unmetered' | 'hints'>
  /** Whether RPM ÷ 60 and TPM ÷ 60 apply to a model that no request has named yet. */
  readonly perSecondDefault: boolean
  readonly lengthsOf: (model: string) => OutputLengths | undefined
  readonly networkJitter: () => Stats['networkJitter']
  readonly clockPhase: () => ClockPhase | undefined
  /** Opens a workspace. @throws InvalidLimits, InvalidRequest */
  readonly open: (name: string, limits: LimitsTable | LimitsSource) => OpenWorkspace
}

/**
 * The limiter of an account or of a workspace inside it. The two differ only in the workspace.
 *
 * Its methods are its own properties, because callers detach them, and a view copies them.
 */
export class WorkspaceLimiter implements Limiter {
  readonly #parts: LimiterParts
  readonly #open: OpenWorkspace
  readonly #onEnd: () => void
  /** The open limiters of workspaces inside this one. */
  readonly #inside = new Set<WorkspaceLimiter>()
  #closed: Promise<void> | undefined
  readonly fetch: typeof globalThis.fetch

  /** `onEnd` is called after `close()`, when nothing runs any more. */
  constructor(parts: LimiterParts, open: OpenWorkspace, onEnd: () => void = () => {}) {
    this.#parts = parts
    this.#open = open
    this.#onEnd = onEnd
    const { events } = open.workspace
    const unmetered = new UnmeteredCalls((message) => events.emit('warning', { code: 'unmetered_call', message }))
    const fetchWith = (hints?: Hints): typeof globalThis.fetch =>
      createFetch({
        ...parts.fetch,
        submit: (request, run) => parts.dispatcher.submit(open.workspace, request, run),
        unmetered,
        hints,
      })
    this.fetch = fetchWith()
    this.with = (hints) => limiterView(this, hints, fetchWith)
  }

  readonly with: (hints: Hints) => Limiter

  readonly schedule = <T>(request: ScheduleRequest, run: (grant: Grant) => T | PromiseLike<T>): Promise<T> =>
    this.#parts.dispatcher.submit(this.#open.workspace, request, run, checkFields)

  readonly wrap = <A extends unknown[], T>(
    request: ScheduleRequest | ((...args: A) => ScheduleRequest),
    fn: (...args: A) => T | PromiseLike<T>,
  ): ((...args: A) => Promise<T>) => wrappedFunction(this.schedule, request, fn)

  readonly predict = (request: ScheduleRequest): { model: string; waitMs: number } =>
    this.#parts.dispatcher.predict(this.#open.workspace, request)

  readonly limitsOf = (model: string): ResolvedLimits => {
    checkModel(model)
    const { workspace, limits } = this.#open
    return workspace.models.find(model)?.limits ?? limits.resolve(model, this.#parts.perSecondDefault).limits
  }

  readonly setLimits = (model: string, limits: Limits, options?: { until?: Date | number | undefined }): void => {
    checkModel(model)
    this.#open.limits.set(model, limits, untilOf(options))
  }

  readonly workspace = (name: string, limits: LimitsTable | LimitsSource): Limiter => {
    checkWorkspace(name, this.#open.workspace)
    const inside = new WorkspaceLimiter(this.#parts, this.#parts.open(name, limits), () => {
      this.#inside.delete(inside)
    })
    this.#inside.add(inside)
    return inside
  }

  readonly stats = (options?: { lastMs?: number }): Stats => {
    const { dispatcher, clock, lengthsOf, networkJitter, clockPhase } = this.#parts
    return {
      ...dispatcher.account.report(this.#open.workspace, spanOf(options), clock.now(), lengthsOf),
      doubleSettles: dispatcher.doubleSettles,
      networkJitter: networkJitter(),
      clockPhase: phaseStats(clockPhase()),
    }
  }

  readonly on = <E extends EventName>(event: E, listener: (event: HeadgateEvents[E]) => void): (() => void) =>
    this.#open.workspace.events.on(event, listener)

  readonly pause = (): void => this.#parts.dispatcher.account.pause(this.#open.workspace)

  readonly resume = (): void => this.#parts.dispatcher.account.resume(this.#open.workspace)

  readonly drain = (): Promise<void> => this.#open.workspace.idle.whenIdle()

  readonly close = (options?: { abandon?: boolean }): Promise<void> => {
    const abandon = isAbandoning(options)
    const { workspace } = this.#open
    this.#parts.dispatcher.account.close(workspace, abandon)
    for (const each of this.#inside) void each.close({ abandon })
    this.#closed ??= workspace.idle.whenIdle().then(() => {
      this.#onEnd()
      this.#open.end()
    })
    return this.#closed
  }

  readonly [Symbol.asyncDispose] = (): Promise<void> => this.close()
}

function phaseStats(phase: ClockPhase | undefined): Stats['clockPhase'] {
  if (phase === undefined) return { offsetMs: undefined, spanMs: undefined, origin: 'unknown' }
  return { offsetMs: phase.fromMs, spanMs: phase.toMs - phase.fromMs, origin: 'learned' }
}
