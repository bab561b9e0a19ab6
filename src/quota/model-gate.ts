import type { Cost, Limits, OutputAccounting } from '../types.js'
import type { AdmissionResult, Never, NotAdmitted, NotBefore, UntilChange } from './admission-result.js'
import type { ClockPhase } from './clock-phase.js'
import { type Amounts, amountsOfNothing, readAmounts, REQUESTS } from './dimensions.js'
import type { TokenTotals } from './gate-totals.js'
import type { Gate } from './gate.js'
import { LateOutput } from './late-output/late-output.js'
import { type MeterUse, minuteFreesUs, roomOf, type UsedShares, usedSharesOf } from './meter-use.js'
import { toUs } from './microseconds.js'
import { type ModelGateOptions, ModelMeters } from './model-meters.js'
import { ModelReservations } from './model-reservations.js'
import { Pacer } from './pacer.js'
import type { Reservation } from './reservation.js'

const UNTIL_CHANGE: UntilChange = { kind: 'until-change' }

/**
 * The gate of one model, in memory. It admits what its meters have room for, when neither a hold, the pace nor the number in
 * flight stands against it.
 */
export class ModelGate implements Gate {
  readonly #meters: ModelMeters
  readonly #late: LateOutput
  readonly #reservations: ModelReservations
  readonly #amounts = amountsOfNothing()
  readonly #ahead = amountsOfNothing()
  #heldUntilUs = 0
  #pacer: Pacer | undefined
  #notify: () => void = () => {}

  constructor(options: ModelGateOptions, now: number) {
    this.#meters = new ModelMeters(options, now)
    this.#late = new LateOutput(this.#meters)
    this.#reservations = new ModelReservations(this.#meters, this.#late, () => this.#notify())
  }

  get limits(): Limits {
    return this.#meters.limits
  }

  /** The sums of all tokens that were ever reserved, settled and refunded. */
  get totals(): TokenTotals {
    return this.#reservations.totals
  }

  admit(cost: Cost, now: number): AdmissionResult {
    const nowUs = this.#meters.advance(now)
    const amounts = readAmounts(cost, this.#amounts)
    if (!this.#hasRoom(amounts, nowUs)) {
      const at = this.#earliestUs(amounts, nowUs)
      if (at > nowUs)
        return at === Infinity ? (this.impossible(cost) ?? UNTIL_CHANGE) : this.#notBefore(amounts, at, nowUs)
    }
    if (this.#reservations.inFlight >= this.#meters.concurrency) return UNTIL_CHANGE
    this.#pacer?.charge(amounts[REQUESTS]!, nowUs)
    return this.#reservations.open(cost, this.#meters.charge(amounts, nowUs), nowUs)
  }

  earliest(cost: Cost, now: number, ahead?: Cost): NotAdmitted {
    const nowUs = this.#meters.advance(now)
    const amounts = readAmounts(cost, this.#amounts)
    const at = ahead === undefined ? this.#earliestUs(amounts, nowUs) : this.#afterUs(ahead, amounts, nowUs)
    // A hold without end waits for another hold, or for new limits.
    if (at === Infinity) return this.impossible(cost) ?? UNTIL_CHANGE
    // A request that goes ahead takes a place and gives it back at its end. No time tells when.
    const places = this.#meters.concurrency - this.#reservations.inFlight
    if (ahead === undefined ? at <= nowUs && places <= 0 : places <= ahead.requests) return UNTIL_CHANGE
    // The caller's time may lie in the first half of a microsecond. A request that may go now must not wait for the whole one.
    return { kind: 'not-before', at: at > nowUs || nowUs !== toUs(now) ? at / 1000 : Math.min(at / 1000, now) }
  }

  impossible(cost: Cost): Never | undefined {
    return this.#meters.impossible(cost)
  }

  mostOutput(inputTokens: number): number {
    return this.#meters.mostOutput(inputTokens)
  }

  shareOf(cost: Cost): number {
    return this.#meters.shareOf(cost)
  }

  room(now: number): MeterUse[] {
    return roomOf(this.#meters.all, this.#meters.advance(now))
  }

  minuteFreesAt(now: number): number {
    return minuteFreesUs(this.#meters.all, this.#meters.advance(now)) / 1000
  }

  get heldUntil(): number {
    return this.#heldUntilUs / 1000
  }

  settle(reservation: Reservation, actual: Cost | undefined, now: number): boolean {
    return this.#reservations.settle(reservation, actual, now)
  }

  raise(reservation: Reservation, cost: Cost, now: number): boolean {
    return this.#reservations.raise(reservation, cost, now)
  }

  accountsFor(reservation: Reservation, now: number): boolean {
    return this.#reservations.accountsFor(reservation, now)
  }

  get inFlight(): number {
    return this.#reservations.inFlight
  }

  hold(until: number, empties: 'requests' | 'tokens' | 'all' | 'none', now: number): void {
    const nowUs = this.#meters.advance(now)
    const untilUs = toUs(until)
    if (untilUs > this.#heldUntilUs) this.#heldUntilUs = untilUs
    if (empties !== 'none') this.#meters.emptyUntil(untilUs, empties, nowUs)
  }

  pace(requestsPerSecond: number | undefined, now: number): void {
    const nowUs = this.#meters.advance(now)
    const nextUs = this.#pacer?.nextUs ?? nowUs
    if (requestsPerSecond === undefined) this.#pacer = undefined
    else if (this.#pacer === undefined) this.#pacer = new Pacer(requestsPerSecond)
    else this.#pacer.set(requestsPerSecond)
    if (nextUs > nowUs && (this.#pacer?.nextUs ?? nowUs) < nextUs) this.#notify()
  }

  setLimits(limits: Limits, now: number, configured: Limits = limits): void {
    this.#meters.setLimits(limits, configured, this.#meters.advance(now))
    this.#notify()
  }

  setOutputAccounting(outputAccounting: OutputAccounting, now: number): void {
    if (outputAccounting === this.#meters.outputAccounting) return
    this.#meters.setOutputAccounting(outputAccounting, this.#meters.advance(now))
    this.#notify()
  }

  setNetworkJitter(networkJitterMs: number, now: number): void {
    this.#meters.setNetworkJitter(networkJitterMs, this.#meters.advance(now))
    this.#notify()
  }

  setClockPhase(phase: ClockPhase | undefined, now: number): void {
    this.#meters.setClockPhase(phase, this.#meters.advance(now))
  }

  usedShares(kind: 'requests' | 'tokens', now: number, refused: Cost): UsedShares | undefined {
    return usedSharesOf(this.#meters.all, kind, this.#meters.advance(now), refused)
  }

  onChange(listener: () => void): void {
    this.#notify = listener
  }

  #notBefore(amounts: Amounts, atUs: number, nowUs: number): NotBefore {
    const at = atUs / 1000
    return this.#late.isAwaited(amounts, nowUs)
      ? { kind: 'not-before', at, isExpected: true }
      : { kind: 'not-before', at }
  }

  /** Whether a request is certain to pass now. If not, {@link #earliestUs} says. */
  #hasRoom(amounts: Amounts, nowUs: number): boolean {
    if (this.#heldUntilUs > nowUs) return false
    if (this.#pacer !== undefined && amounts[REQUESTS] !== 0 && this.#pacer.nextUs > nowUs) return false
    return this.#meters.hasRoom(amounts, nowUs)
  }

  #earliestUs(amounts: Amounts, nowUs: number): number {
    let fromUs = this.#heldUntilUs > nowUs ? this.#heldUntilUs : nowUs
    if (this.#pacer !== undefined && amounts[REQUESTS] !== 0) fromUs = Math.max(fromUs, this.#pacer.nextUs)
    return this.#meters.earliestUs(amounts, fromUs, nowUs)
  }

  #afterUs(ahead: Cost, amounts: Amounts, nowUs: number): number {
    const before = readAmounts(ahead, this.#ahead)
    let at = this.#meters.afterUs(before, amounts, nowUs)
    if (this.#pacer !== undefined && amounts[REQUESTS] !== 0) {
      at = Math.max(at, this.#pacer.afterUs(before[REQUESTS]!, nowUs))
    }
    // The requests that wait through a hold go after it, by the room that there is now.
    return this.#heldUntilUs > nowUs ? this.#heldUntilUs + (at - nowUs) : at
  }
}
