import { getEventListeners } from 'node:events'
import type * as fc from 'fast-check'
import { expect } from 'vitest'
import { InvalidLimits } from '../../src/errors.js'
import type { Grant, Limiter, LimiterOptions, Limits } from '../../src/index.js'
import { setup, type Ending } from '../dispatch/setup.js'
import { settlePromises } from '../support/virtual-clock.js'
import { expectAllowed, isRunning, repeated, resultOf, type Attempt, type Job, type Part, type Plan } from './jobs.js'

const table = { a: { rpm: 10, tpm: 1000 }, b: { rpm: 4, tpm: 500 } }

/** A limiter with a workspace in virtual time, and a second account of its jobs: who runs, who has ended, and how. */
export class World {
  readonly jobs: Job[] = []
  readonly #scheduler: fc.Scheduler
  readonly #options: LimiterOptions
  readonly #made: ReturnType<typeof setup>
  readonly #parts: Record<Part, Limiter>
  readonly #paused = new Set<Part>()
  readonly #closed = new Set<Part>()
  readonly #abandoned = new Set<Part>()
  readonly #shared = new AbortController()
  readonly #idling: { readonly part: Part; readonly ending: Ending; seen: boolean }[] = []
  readonly #faults: string[] = []
  #leastTpm = 500
  #doubleSettles = 0
  readonly #onUnhandled = (reason: unknown): void => void this.#faults.push(`unhandled: ${String(reason)}`)

  constructor(scheduler: fc.Scheduler, options: LimiterOptions) {
    this.#scheduler = scheduler
    this.#options = options
    this.#made = setup({ limits: table, ...options })
    const { limiter } = this.#made
    this.#parts = { account: limiter, workspace: limiter.workspace('w', { a: { rpm: 5, tpm: 600 } }) }
    process.on('unhandledRejection', this.#onUnhandled)
  }

  schedule(plan: Plan): void {
    const { part, tenant, priority, tokens, deadlineMs } = plan
    const controllers = { none: undefined, own: new AbortController(), shared: this.#shared }
    const controller = controllers[plan.signal]
    const startBy = this.#made.now() + (deadlineMs ?? Infinity)
    const name = `job ${this.jobs.length}`
    // In the list first: it may run before `schedule` returns.
    const pending: Ending = { state: 'pending', value: undefined, error: undefined, at: undefined }
    const job: Job = { name, plan, controller, startBy, attempts: [], ending: pending }
    this.jobs.push(job)
    const request = { model: 'a', tenant, priority, tokens, deadlineMs, signal: controller?.signal }
    job.ending = this.#made.follow(this.#parts[part].schedule(request, (grant) => this.#run(job, grant)))
  }

  abort(which: number): void {
    const { controller, name } = this.jobs[which % this.jobs.length]!
    controller?.abort(new Error(`${name} is aborted`))
  }

  /** Lets so many of the answers come that are on their way, in the order of the scheduler's choice. */
  async answer(most: number): Promise<void> {
    for (const attempt of this.#attempts()) if (most > 2) attempt.tell?.()
    await settlePromises()
    if (this.answersDue > 0) await this.#scheduler.waitNext(Math.min(most, this.answersDue))
  }

  get answersDue(): number {
    return this.#scheduler.count()
  }

  /** What is due goes off: whatever waits after that has time left. */
  async advance(ms: number): Promise<void> {
    const { clock, now } = this.#made
    await clock.advance(ms)
    const late = this.#pending().filter((job) => job.startBy <= now() && !isRunning(job))
    expect(late.map(({ name }) => name)).toEqual([])
  }

  setLimits(part: Part, limits: Limits): void {
    try {
      this.#parts[part].setLimits('a', limits)
      this.#leastTpm = Math.min(this.#leastTpm, limits.tpm ?? Infinity)
    } catch (error) {
      if (part === 'account' || !(error instanceof InvalidLimits)) throw error
    }
  }

  setPaused(part: Part, isPaused: boolean): void {
    if (isPaused) {
      this.#paused.add(part)
      this.#parts[part].pause()
    } else {
      this.#paused.delete(part)
      this.#parts[part].resume()
    }
  }

  drain(part: Part): void {
    this.#idle(part, this.#parts[part].drain())
  }

  close(part: Part, abandon: boolean): void {
    for (const each of this.#within(part)) {
      this.#closed.add(each)
      if (abandon) this.#abandoned.add(each)
    }
    this.#idle(part, this.#parts[part].close({ abandon }))
  }

  /** Says what one attempt used; of one that has settled already, that is one too many. */
  settle(which: number): void {
    const attempts = this.#attempts()
    if (attempts.length > 0) this.#settle(attempts[which % attempts.length]!)
  }

  /** What holds between any two commands, when all promises have run dry. */
  async check(): Promise<void> {
    await settlePromises()
    const { limiter } = this.#made
    const pending = this.#pending()
    const running = pending.filter(isRunning)
    const unsettled = running.filter(({ attempts }) => !attempts.at(-1)!.isSettled)
    expect(this.#faults).toEqual([])
    const { waiting, inFlight, doubleSettles } = limiter.stats({ lastMs: 1 })
    expect({ waiting, inFlight, doubleSettles }).toEqual({
      waiting: pending.length - running.length,
      inFlight: unsettled.length,
      doubleSettles: this.#doubleSettles,
    })
    const aborted = pending.filter((job) => job.controller?.signal.aborted && !isRunning(job))
    expect(aborted.map(({ name }) => name)).toEqual([])
    for (const idling of this.#idling) {
      const isIdle = !pending.some(({ plan }) => this.#within(idling.part).includes(plan.part))
      if (!idling.seen) expect(idling.ending.state, `idle: ${idling.part}`).toBe(isIdle ? 'done' : 'pending')
      idling.seen ||= isIdle
    }
  }

  /** All that runs is answered and time runs out: then every job has ended as it may, and nothing is left. */
  async end(closing: 'drain' | 'close' | 'abandon'): Promise<void> {
    const { clock, limiter, heard } = this.#made
    if (closing === 'drain') this.drain('account')
    else this.close('account', closing === 'abandon')
    if (closing !== 'abandon') {
      // The account goes on though its workspace be paused.
      if (this.#paused.has('account')) this.setPaused('account', false)
      await this.#passUntil(() => this.#pending().every(({ plan }) => plan.part === 'workspace'))
      expect(this.#pending().filter(({ plan }) => plan.part === 'account')).toEqual([])
      if (this.#paused.has('workspace')) this.setPaused('workspace', false)
    }
    await this.#passUntil(() => this.#pending().length === 0)
    await this.check()
    const ends = new Set(this.#attempts().map(({ ends }) => ends))
    const [leastTpm, isBounded] = [this.#leastTpm, this.#options.maxQueue !== undefined]
    for (const job of this.jobs) {
      expectAllowed(job, { leastTpm, isBounded, isClosed: this.#closed.has(job.plan.part), ends })
    }
    expect(clock.pending, 'timers').toBe(0)
    await limiter.close()
    expect(limiter.stats({ lastMs: 1 })).toMatchObject({ waiting: 0, inFlight: 0, doubleSettles: this.#doubleSettles })
    expect(clock.pending, 'timers').toBe(0)
    expect(heard.settle, 'settled once each').toHaveLength(heard.admit.length)
    for (const { controller } of this.jobs) {
      if (controller !== undefined) expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    }
  }

  async #passUntil(isEnough: () => boolean): Promise<void> {
    const { clock } = this.#made
    for (let turns = 0; turns < 300 && !isEnough(); turns++) {
      await this.answer(Infinity)
      await clock.advance(600_000)
    }
  }

  leave(): void {
    process.off('unhandledRejection', this.#onUnhandled)
  }

  #run(job: Job, grant: Grant): unknown {
    const { attempts, plan, controller } = job
    const last = attempts.at(-1)
    const wrongs: Record<string, boolean> = {
      'after its end': job.ending.state !== 'pending',
      'twice at once': last?.isRunning === true,
      'after an attempt that was no refusal': last !== undefined && !repeated.has(last.ends),
      'after its abort': controller?.signal.aborted === true,
      'after its deadline': job.startBy < this.#made.now(),
      'while paused': this.#paused.has('account') || this.#paused.has(plan.part),
      'when abandoned': this.#abandoned.has(plan.part),
    }
    for (const [wrong, is] of Object.entries(wrongs)) if (is) this.#faults.push(`${job.name} runs ${wrong}`)
    const { ends, atOnce } = plan.attempts[Math.min(attempts.length, plan.attempts.length - 1)]!
    const attempt: Attempt = { grant, ends, isRunning: true, isSettled: false }
    attempts.push(attempt)
    return atOnce && ends !== 'hangs' ? this.#ended(job, attempt) : this.#answerLater(job, attempt)
  }

  async #answerLater(job: Job, attempt: Attempt): Promise<unknown> {
    if (attempt.ends === 'hangs') {
      const { signal } = attempt.grant
      await new Promise<void>((resolve) => {
        attempt.tell = () => {
          signal.removeEventListener('abort', attempt.tell!)
          resolve()
        }
        signal.addEventListener('abort', attempt.tell)
      })
    } else await this.#scheduler.schedule(Promise.resolve(), `${job.name}: ${attempt.ends}`)
    return this.#ended(job, attempt)
  }

  #ended(job: Job, attempt: Attempt): unknown {
    attempt.isRunning = false
    attempt.isSettled = true
    const { signal } = attempt.grant
    if (attempt.ends === 'aborts') job.controller?.abort(new Error(`${job.name} aborts itself`))
    const result = resultOf(attempt.ends, job.plan.tokens, signal)
    attempt.result = result
    if ('thrown' in result) throw result.thrown
    return result.returned
  }

  #settle(attempt: Attempt): void {
    if (attempt.isSettled) this.#doubleSettles++
    attempt.isSettled = true
    attempt.grant.settle({ inputTokens: 10, outputTokens: 0 })
  }

  #pending(): Job[] {
    return this.jobs.filter(({ ending }) => ending.state === 'pending')
  }

  #attempts(): Attempt[] {
    return this.jobs.flatMap(({ attempts }) => attempts)
  }

  #within(part: Part): Part[] {
    return part === 'account' ? ['account', 'workspace'] : ['workspace']
  }

  #idle(part: Part, promise: Promise<void>): void {
    this.#idling.push({ part, ending: this.#made.follow(promise), seen: false })
  }
}
