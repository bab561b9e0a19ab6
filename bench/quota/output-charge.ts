import type { ServerLimit } from './limit.js'
import { durationMs, type Job } from './workloads.js'

/**
 * When the server charges output:
 *
 * - `admission`: it knows the output and charges it at admission.
 * - `reserved`: it charges `max_tokens` at admission, and corrects the charge at the end.
 * - `generated`: it charges tokens as they are generated.
 * - `end`: it charges them at the end.
 */
export type OutputAccounting = 'admission' | 'reserved' | 'generated' | 'end'

/**
 * The interval in ms at which generated tokens are charged. Chosen: a twentieth of the shortest window. Smaller: runs
 * are slower. Larger: charges come later than in the service.
 */
const STEP_MS = 50

interface Answering {
  readonly job: Job
  readonly admittedAtMs: number
  readonly firstTokenAtMs: number
  readonly endsAtMs: number
  chargedTokens: number
}

/** Charges the output of admitted requests at the times that the rule names. */
export class OutputCharge {
  readonly #charging: OutputAccounting
  readonly #limits: readonly ServerLimit[]
  #answering: Answering[] = []
  #stepAtMs = -Infinity

  constructor(charging: OutputAccounting, limits: readonly ServerLimit[]) {
    this.#charging = charging
    this.#limits = limits.filter(({ counts }) => counts === 'tokens')
  }

  /** The tokens that are charged at admission. */
  atAdmission({ inputTokens, outputTokens, maxTokens }: Job): number {
    if (this.#charging === 'admission') return inputTokens + outputTokens
    return this.#charging === 'reserved' ? inputTokens + maxTokens : inputTokens
  }

  began(job: Job, atMs: number): void {
    if (this.#charging !== 'generated') return
    const firstTokenAtMs = atMs + job.firstTokenMs
    const endsAtMs = atMs + durationMs(job)
    this.#answering.push({ job, admittedAtMs: atMs, firstTokenAtMs, endsAtMs, chargedTokens: 0 })
  }

  ended({ outputTokens, maxTokens }: Job, admittedAtMs: number, atMs: number): void {
    for (const limit of this.#limits) {
      if (this.#charging === 'end') limit.chargeLater(outputTokens, atMs)
      else if (this.#charging === 'reserved') limit.giveBack(maxTokens - outputTokens, admittedAtMs, atMs)
    }
  }

  /** Charges the tokens generated up to `nowMs`, each step at its own time. It must run before a limit is read. */
  catchUp(nowMs: number): void {
    const next = Math.ceil(nowMs / STEP_MS) * STEP_MS
    if (this.#answering.length === 0) this.#stepAtMs = next
    for (; this.#stepAtMs <= nowMs; this.#stepAtMs += STEP_MS) this.#step(this.#stepAtMs)
  }

  #step(atMs: number): void {
    let tokens = 0
    let hasEnded = false
    for (const answer of this.#answering) {
      const { job, firstTokenAtMs, endsAtMs, chargedTokens } = answer
      if (atMs <= firstTokenAtMs) continue
      const done = Math.min(1, (atMs - firstTokenAtMs) / (endsAtMs - firstTokenAtMs))
      answer.chargedTokens = job.outputTokens * done
      tokens += answer.chargedTokens - chargedTokens
      hasEnded ||= done === 1
    }
    if (tokens > 0) for (const limit of this.#limits) limit.chargeLater(tokens, atMs)
    if (hasEnded) this.#answering = this.#answering.filter(({ endsAtMs }) => endsAtMs > atMs)
  }
}
