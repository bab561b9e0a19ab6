import { onAbort } from '../abort-signals.js'
import type { ModelState } from '../models/model-state.js'
import type { QueuedRequest } from '../models/queued-request.js'
import type { JobList, Waiting } from '../queue/job-list.js'
import type { Cost, Profile } from '../types.js'
import { callerContext, type CallerContext } from './caller-context.js'
import type { JobRequest } from './schedule-request.js'

/** The work of a request. What it is given, the attempt, does not concern the job. */
type Work = (attempt: never) => unknown

/** One request from the call to its end, over all attempts and models. It ends exactly once. */
export class Job implements QueuedRequest {
  readonly id: number
  readonly request: JobRequest
  readonly #work: Work
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
  #context: CallerContext | undefined

  constructor(
    id: number,
    request: JobRequest,
    work: Work,
    chain: readonly ModelState[],
    profile: Profile,
    cost: Cost,
    now: number,
  ) {
    this.id = id
    this.request = request
    this.#work = work
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
  run(attempt: object): unknown {
    const work = this.#work
    const context = this.#context
    return context === undefined ? work(attempt as never) : context.runInAsyncScope(work, undefined, attempt)
  }

  /** To be called before it waits for the first time, by its caller. */
  keepContext(): void {
    this.#context ??= callerContext()
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
