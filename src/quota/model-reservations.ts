import type { Cost, OutputAccounting } from '../types.js'
import { amountIn, amountsOfNothing, outputIn, readAmounts, TOKENS, writes } from './dimensions.js'
import { GateTotals, type TokenTotals } from './gate-totals.js'
import type { Reservations } from './gate.js'
import type { LateOutput } from './late-output/late-output.js'
import type { Meter } from './meter.js'
import { chargedBy, type Reservation } from './reservation.js'

/** The meters of a model, as far as its reservations concern them. */
export interface ReservedMeters {
  readonly all: readonly Meter[]
  readonly concurrency: number
  readonly outputAccounting: OutputAccounting | undefined
  /** The time in µs. It never runs backward. */
  advance(now: number): number
  nextSeq(): number
}

/** The open charges of one model: raised, settled and refunded. */
export class ModelReservations implements Reservations {
  readonly #meters: ReservedMeters
  readonly #late: LateOutput
  readonly #onRoom: () => void
  readonly #totals = new GateTotals()
  readonly #reserved = amountsOfNothing()
  readonly #actual = amountsOfNothing()
  #inFlight = 0

  /** `onRoom` is called when a settlement has made room, or may have. */
  constructor(meters: ReservedMeters, late: LateOutput, onRoom: () => void) {
    this.#meters = meters
    this.#late = late
    this.#onRoom = onRoom
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get totals(): TokenTotals {
    return this.#totals
  }

  /** Opens a reservation for a charge that was made now as number `seq`. */
  open(cost: Cost, seq: number, nowUs: number): Reservation & { readonly kind?: undefined } {
    this.#inFlight++
    this.#totals.admitted(cost.inputTokens + cost.outputTokens)
    this.#late.began(cost, nowUs)
    return { cost, at: nowUs / 1000, seq, settled: false, raised: undefined }
  }

  settle(reservation: Reservation, actual: Cost | undefined, now: number): boolean {
    if (reservation.settled) return false
    reservation.settled = true
    const meters = this.#meters
    const nowUs = meters.advance(now)
    const reserved = chargedBy(reservation)
    const counted = actual ?? reserved
    const seq = meters.nextSeq()
    this.#inFlight--
    // First of all: with its end, less is taken to have been written in its second.
    this.#late.ended(reservation, actual?.outputTokens, nowUs)
    const hasRefunded = actual !== undefined && this.#correct(reservation, reserved, actual, nowUs, seq)
    this.#late.charge(counted, nowUs, seq)
    this.#totals.ended(reserved.inputTokens + reserved.outputTokens, counted.inputTokens + counted.outputTokens)
    if (hasRefunded || meters.concurrency !== Infinity || meters.outputAccounting === 'generated') this.#onRoom()
    return true
  }

  /**
   * A raise is a charge of its own, so that a refund of it gives back no more than that of any charge. It is made in full or not
   * at all: {@link settle} alone cuts off debts.
   */
  raise(reservation: Reservation, cost: Cost, now: number): boolean {
    if (reservation.settled) return false
    const meters = this.#meters
    const nowUs = meters.advance(now)
    const were = readAmounts(chargedBy(reservation), this.#reserved)
    const are = readAmounts(cost, this.#actual)
    if (are.some((amount, dimension) => amount < were[dimension]!)) return false
    for (const meter of meters.all) {
      const amount = are[meter.dimension]!
      if (meter.bounded(amount, were[meter.dimension]!, nowUs) < amount) return false
    }
    const seq = meters.nextSeq()
    for (const meter of meters.all) {
      const difference = are[meter.dimension]! - were[meter.dimension]!
      if (difference > 0) meter.charge(difference, nowUs, seq)
    }
    this.#totals.raised(are[TOKENS]! - were[TOKENS]!)
    reservation.raised = { cost, seq, below: reservation.raised }
    return true
  }

  accountsFor(reservation: Reservation, now: number): boolean {
    return this.#late.explainsRefusal(reservation, this.#meters.advance(now))
  }

  /** Charges or refunds the difference to what was used. True if any meter was refunded. */
  #correct(reservation: Reservation, reserved: Cost, actual: Cost, nowUs: number, seq: number): boolean {
    const were = readAmounts(reserved, this.#reserved)
    const are = readAmounts(actual, this.#actual)
    const isMovedToEnd = this.#late.isMovedToEnd && writes(actual)
    let hasRefunded = false
    for (const meter of this.#meters.all) {
      const was = were[meter.dimension]!
      const difference = meter.bounded(are[meter.dimension]!, was, nowUs) - was
      if (difference < 0) {
        giveBack(meter, -difference, reservation, nowUs, 0)
        hasRefunded = true
      } else if (difference > 0) meter.charge(difference, nowUs, seq)
      if (isMovedToEnd && meter.rule.isMinuteOfOutput) {
        const late = outputIn(actual, meter.dimension) - Math.max(0, difference)
        if (late > 0) giveBack(meter, late, reservation, nowUs, seq)
      }
    }
    return hasRefunded
  }
}

/**
 * Gives back from the newest charges of a reservation first: those stay longest in their windows. With `newSeq` the amount
 * counts from now on instead, as part of that charge.
 */
function giveBack(meter: Meter, amount: number, reservation: Reservation, nowUs: number, newSeq: number): void {
  let left = amount
  for (let { raised } = reservation; raised !== undefined && left > 0; raised = raised.below) {
    const below = raised.below?.cost ?? reservation.cost
    const added = amountIn(raised.cost, meter.dimension) - amountIn(below, meter.dimension)
    const given = Math.min(left, added)
    if (given > 0) giveBackOf(raised.seq, meter, given, nowUs, newSeq)
    left -= given
  }
  if (left > 0) giveBackOf(reservation.seq, meter, left, nowUs, newSeq)
}

function giveBackOf(seq: number, meter: Meter, amount: number, nowUs: number, newSeq: number): void {
  if (newSeq === 0) meter.refund(amount, seq, nowUs)
  else meter.move(amount, seq, nowUs, newSeq)
}
