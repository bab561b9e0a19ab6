import { isRefusal } from '../refusal.js'
import type { Answer } from '../server.js'
import type { Job } from '../workloads.js'
import { reservedTokens, sleep, type Client, type ClientKind, type Setting } from './client.js'

/** The constants of the original program. Times are in ms. */
const PAUSE_AFTER_REFUSAL_MS = 15_000
const LOOP_MS = 1
const MAX_ATTEMPTS = 5

interface Entry {
  readonly job: Job
  readonly tokens: number
  attemptsLeft: number
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/**
 * The algorithm of the OpenAI Cookbook's `api_request_parallel_processor.py`.
 *
 * Its capacities refill at the rates per minute, up to one minute's worth. It sends refused requests before new ones,
 * pauses for 15 s after a 429, and tries each request five times.
 */
class ParallelProcessor implements Client {
  readonly #setting: Setting
  readonly #waiting: Entry[] = []
  #next = 0
  readonly #toRetry: Entry[] = []
  #requests: number
  #tokens: number
  #updatedAtMs = Date.now()
  #refusedAtMs = -Infinity
  #isRunning = false

  constructor(setting: Setting) {
    this.#setting = setting
    this.#requests = setting.rpm
    this.#tokens = setting.tpm
  }

  submit(job: Job): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const tokens = reservedTokens(job, this.#setting)
      this.#waiting.push({ job, tokens, attemptsLeft: MAX_ATTEMPTS, resolve, reject })
      if (!this.#isRunning) void this.#loop()
    })
  }

  async #loop(): Promise<void> {
    this.#isRunning = true
    for (let entry = this.#take(); entry !== undefined; entry = this.#take()) {
      // The original polls each millisecond. Nothing can happen before there is capacity, so this version sleeps until
      // then.
      for (let waitMs = this.#waitMs(entry); waitMs > 0; waitMs = this.#waitMs(entry)) await this.#pause(waitMs)
      this.#requests -= 1
      this.#tokens -= entry.tokens
      entry.attemptsLeft -= 1
      void this.#call(entry)
      await this.#pause(LOOP_MS)
    }
    this.#isRunning = false
  }

  #take(): Entry | undefined {
    return this.#toRetry.shift() ?? this.#waiting[this.#next++] ?? this.#none()
  }

  #none(): undefined {
    this.#waiting.length = this.#next = 0
  }

  #waitMs({ tokens }: Entry): number {
    const { rpm, tpm } = this.#setting
    const now = Date.now()
    const minutes = (now - this.#updatedAtMs) / 60_000
    this.#requests = Math.min(this.#requests + rpm * minutes, rpm)
    this.#tokens = Math.min(this.#tokens + tpm * minutes, tpm)
    this.#updatedAtMs = now
    return Math.max(0, ((1 - this.#requests) / rpm) * 60_000, ((tokens - this.#tokens) / tpm) * 60_000)
  }

  async #pause(ms: number): Promise<void> {
    await sleep(Math.max(1, Math.ceil(ms)))
    const sinceRefusalMs = Date.now() - this.#refusedAtMs
    if (sinceRefusalMs < PAUSE_AFTER_REFUSAL_MS) await sleep(PAUSE_AFTER_REFUSAL_MS - sinceRefusalMs)
  }

  async #call(entry: Entry): Promise<void> {
    try {
      entry.resolve(await this.#setting.send(entry.job))
    } catch (error) {
      if (isRefusal(error)) this.#refusedAtMs = Date.now()
      if (entry.attemptsLeft === 0) return entry.reject(error)
      this.#toRetry.push(entry)
      if (!this.#isRunning) void this.#loop()
    }
  }
}

export const cookbook: ClientKind = {
  name: 'cookbook',
  packages: [],
  usesGlobals: true,
  create: (setting) => new ParallelProcessor(setting),
}
