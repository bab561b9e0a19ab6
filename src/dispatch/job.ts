import { onAbort } from '../abort-signals.js'
import type { JobList, Waiting } from '../queue/job-list.js'
import type { Schedulable } from '../queue/lane-step.js'
import type { Cost, Profile } from '../types.js'
import type { Attempt } from './attempt.js'
import { contextOfCaller, type Context } from './caller-context.js'
import type { ModelState } from '../models/model-state.js'
import type { JobRequest } from './schedule-request.js'

/** Does a request's work, once for each attempt. */
export type Run<T> = (attempt: Attempt) => T | PromiseLike<T>

/** One request from the call to its end, over all attempts and models. It ends exactly once. */
export class Job implements Schedulable {
  readonly request: JobRequest
  readonly #run: Run<unknown>
  /** How its caller is told; where it ended before that one was given a promise, the promise to give. */
  #ending: ((value: unknown) => void) | Promise<unknown> | undefined
  /** The models that may serve it, the one asked for first. */
  readonly chain: readonly ModelState[]
  /** The service as its caller knows it: how its answers are read. */
  readonly profile: Profile
  modelState: ModelState
  cost: Cost
  /** Undefined takes no room, Infinity would: a million jobs may wait. */
  readonly #startBy: number | undefined
  /** When it came to the queue that it is in, in the clock's ms. */
  queuedAt: number
  attempts = 0
  retries = 0
  /** Models that refused it since its chain began. */
  tried: Set<ModelState> | undefined
  /** Models that it found to have their quota used up: it goes to none of them again. */
  usedUp: Set<ModelState> | undefined
  inList: JobList | undefined
  before: Waiting | undefined
  after: Waiting | undefined
  #forget: (() => void) | undefined
  #context: Context | undefined

  constructor(
    request: JobRequest,
    run: Run<unknown>,
    chain: readonly ModelState[],
    profile: Profile,
    cost: Cost,
    now: number,
  ) {
    this.request = request
    this.#run = run
    this.chain = chain
    this.profile = profile
    this.queuedAt = now
    this.#startBy = request.deadlineMs === undefined ? undefined : now + request.deadlineMs
    this.modelState = chain[0]!
    this.cost = cost
  }

  get priority(): number {
    return this.request.priority ?? 0
  }

  get tenant(): string | undefined {
    return this.request.tenant
  }

  /** What its caller is given. One that has ended already needs no function that ends it, which is most of a promise. */
  promise(): Promise<unknown> {
    const ending = this.#ending
    if (typeof ending === 'object') return ending
    return new Promise((resolve) => {
      this.#ending = resolve
    })
  }

  resolve(value: unknown): void {
    const ending = this.#ending
    if (ending === undefined) this.#ending = Promise.resolve(value)
    else if (typeof ending === 'function') ending(value)
  }

  /** By way of `resolve`: to keep a second function for each job that waits would cost a sixth of what it takes. */
  reject(reason: unknown): void {
    if (typeof this.#ending !== 'object') this.resolve(Promise.reject(reason))
  }

  /** Until when it must start, in the clock's ms; Infinity without a deadline. */
  get startBy(): number {
    return this.#startBy ?? Infinity
  }

  /** Does its work once, in its caller's context. */
  run(attempt: Attempt): unknown {
    const run = this.#run
    const context = this.#context
    return context === undefined ? run(attempt) : context.runInAsyncScope(run, undefined, attempt)
  }

  /** To be called before it waits for the first time, by its caller. */
  keepContext(): void {
    this.#context ??= contextOfCaller()
  }

  /** Calls `aborted` if the caller aborts, until {@link forgetAbort}: so long as it waits. */
  listenForAbort(aborted: () => void): void {
    const { signal } = this.request
    if (!signal || this.#forget !== undefined) return
    this.#forget = onAbort(signal, aborted)
  }

  forgetAbort(): void {
    this.#forget?.()
    this.#forget = undefined
  }
}
