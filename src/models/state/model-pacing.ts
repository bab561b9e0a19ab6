import { SlowStart } from '../../learning/slow-start.js'
import type { Control } from '../../quota/gate.js'
import type { ResolvedLimits } from '../../limits/resolve-limits.js'

/** How fast requests may follow one another at one model, after the server refused some for how fast they came. */
export class ModelPacing {
  readonly #slowStart = new SlowStart()
  readonly #gate: Control
  /** Of the account's model: what its workspaces send is sent by it, too. */
  readonly #account: ModelPacing | undefined

  constructor(gate: Control, account: ModelPacing | undefined) {
    this.#gate = gate
    this.#account = account
  }

  /** The rate that holds at `now`, in requests a second; undefined: the limits alone. */
  rateAt(now: number): number | undefined {
    const own = this.#slowStart.rate(now)
    const accounts = this.#account?.rateAt(now)
    return own === undefined || accounts === undefined ? (own ?? accounts) : Math.min(own, accounts)
  }

  sent(at: number): void {
    const wasPaced = this.#slowStart.holds
    this.#slowStart.sent(at)
    if (wasPaced) this.#gate.pace(this.#slowStart.spacing(at), at)
    this.#account?.sent(at)
  }

  /** A request that was sent at `sentAt` was refused, for whatever reason. */
  refused(sentAt: number): void {
    this.#slowStart.refused(sentAt)
    this.#account?.refused(sentAt)
  }

  /**
   * Slows down after a 429 for a sudden increase or for want of capacity. Says until when nothing is to be sent, in the clock's
   * ms: `holdUntil` or later.
   */
  slowDown(
    kind: 'surge' | 'capacity',
    holdUntil: number,
    { rpm = Infinity, rps = Infinity }: Pick<ResolvedLimits, 'rpm' | 'rps'>,
    now: number,
  ): number {
    const limitPerSecond = Math.min(rpm / 60, rps)
    const until = this.#slowStart.cut({ class: kind, holdUntil, limitPerSecond, now })
    this.#gate.pace(this.#slowStart.spacing(now), now)
    return until
  }
}
