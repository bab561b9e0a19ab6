import type { Episodes } from '../../learning/episodes.js'
import type { LimitRefusal } from '../../throttling/classify.js'
import type { Gate } from '../../quota/gate.js'
import type { Reservation } from '../../quota/reservation.js'
import { Exhaustion } from './exhaustion.js'
import type { ModelLimits } from './model-limits.js'
import type { ModelOutputAccounting } from './model-output-accounting.js'
import { ModelPacing } from './model-pacing.js'
import type { SentRequest } from '../sent-request.js'

const MINUTE_MS = 60_000

/** What a 429 does to its model. */
export interface RefusalEffect {
  /** For how long nothing is sent to the model, in ms; 0 where the 429 belongs to a hold that is running, or the gate tells by itself. */
  readonly holdMs: number
  /** Whether its quota is used up: then requests that wait for it have to go elsewhere. */
  readonly isExhausted: boolean
}

export interface ModelHoldParts {
  readonly model: string
  readonly gate: Gate
  readonly episodes: Episodes
  readonly limits: ModelLimits
  readonly output: ModelOutputAccounting
  /** Of the account's model; undefined if this is the account's. */
  readonly account: { readonly hold: ModelHold; readonly limits: ModelLimits } | undefined
}

/** What 429s hold back at one model: all of it until a limit can have room, its pace, or all of it until its quota comes back. */
export class ModelHold {
  readonly #gate: Gate
  readonly #episodes: Episodes
  readonly #limits: ModelLimits
  readonly #accountLimits: ModelLimits | undefined
  readonly #output: ModelOutputAccounting
  readonly #pacing: ModelPacing
  readonly #exhaustion: Exhaustion

  constructor({ model, gate, episodes, limits, output, account }: ModelHoldParts) {
    this.#gate = gate
    this.#episodes = episodes
    this.#limits = limits
    this.#accountLimits = account?.limits
    this.#output = output
    this.#pacing = new ModelPacing(gate, account && account.hold.#pacing)
    this.#exhaustion = new Exhaustion(model)
  }

  /** Until when nothing is sent, in the clock's ms; 0 if it never was held. */
  get heldUntil(): number {
    return this.#gate.heldUntil
  }

  /** The pace that 429s left, in requests a second; undefined: the limits alone. */
  paceAt(now: number): number | undefined {
    return this.#pacing.rateAt(now)
  }

  get exhaustion(): Pick<Exhaustion, 'isActive' | 'errorAt'> {
    return this.#exhaustion
  }

  sent({ at, seq }: Reservation): void {
    this.#episodes.sent(seq)
    this.#pacing.sent(at)
  }

  served({ at }: Reservation): void {
    this.#episodes.served(at)
  }

  refused(sent: SentRequest, refusal: LimitRefusal, now: number): RefusalEffect {
    this.#pacing.refused(sent.reservation.at)
    if (refusal.kind === 'throttled') return this.#throttled(sent, refusal, now)
    return { holdMs: this.#exhaustion.quotaUsedUp(refusal.message, refusal.resetText, now), isExhausted: true }
  }

  #throttled(
    { reservation, mostOutputTokens }: SentRequest,
    { class: kind, message, retryAfterMs }: Extract<LimitRefusal, { kind: 'throttled' }>,
    now: number,
  ): RefusalEffect {
    const { cost, at, seq } = reservation
    const { holdUntil, empties, exhausted } = this.#episodes.refused({
      class: kind,
      retryAfterMs,
      sentAt: at,
      seq,
      now,
      isAccounted: kind === 'tokens' && this.#gate.accountsFor(reservation, now),
      minuteFreesAt: this.#gate.minuteFreesAt(now),
    })
    if (exhausted) {
      this.#limits.restoreConfigured(now)
      return { holdMs: this.#exhaustion.minuteNeverFrees(message, retryAfterMs, now), isExhausted: true }
    }
    let until = now
    if (holdUntil !== undefined) {
      until = holdUntil
      if (kind === 'surge' || kind === 'capacity') {
        const pacedUntil = this.#pacing.slowDown(kind, holdUntil, this.#limits.configured.limits, now)
        // A time that the server itself gave stands.
        if (!retryAfterMs) until = pacedUntil
      }
      this.#gate.hold(until, empties, now)
      // A wait of more than a minute is not for a limit a minute.
      if (empties !== 'none' && (retryAfterMs ?? 0) <= MINUTE_MS && this.#limits.wereConfiguredAt(at)) {
        this.#refusingLimits.refused(empties, cost, now)
      }
    }
    if (kind === 'tokens') this.#output.refused(reservation, mostOutputTokens, now)
    return { holdMs: until - now, isExhausted: false }
  }

  /** Whose limits the 429 is for: a workspace without limits of its own is refused for the account's. */
  get #refusingLimits(): ModelLimits {
    return this.#accountLimits === undefined || this.#limits.areOwn ? this.#limits : this.#accountLimits
  }
}
