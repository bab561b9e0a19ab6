import type { Cost, Limits, OutputAccounting } from '../types.js'
import type { AdmissionResult, Never, NotAdmitted } from './admission-result.js'
import type { ClockPhase } from './clock-phase.js'
import type { Admission, Gate, Reservations } from './gate.js'
import type { MeterUse, UsedShares } from './meter-use.js'
import { toUs } from './microseconds.js'
import { NO_COST, type Raise, type Reservation } from './reservation.js'

/** One charge that both gates hold. */
class JointReservation implements Reservation {
  readonly own: Reservation
  readonly account: Reservation
  settled = false

  constructor(own: Reservation, account: Reservation) {
    this.own = own
    this.account = account
  }

  get cost(): Cost {
    return this.own.cost
  }

  get at(): number {
    return this.own.at
  }

  get seq(): number {
    return this.own.seq
  }

  get raised(): Raise | undefined {
    return this.own.raised
  }
}

/**
 * Two gates charged together, all or nothing: the limits of a workspace inside those of its account. The own gate belongs to
 * this one alone. The account's gate is shared with other workspaces, so this one never controls it: see {@link onChange}.
 */
export class JointGate implements Gate {
  readonly #own: Gate
  readonly #account: Admission & Reservations
  #now = -Infinity
  #notify: () => void = () => {}
  #isSettling = false
  #ownHasRoom = false

  constructor(own: Gate, account: Admission & Reservations) {
    this.#own = own
    this.#account = account
    own.onChange(() => {
      if (this.#isSettling) this.#ownHasRoom = true
      else this.#notify()
    })
  }

  admit(cost: Cost, now: number): AdmissionResult {
    const from = this.#advance(now)
    const byOwn = this.#own.earliest(cost, from)
    // A charge that is given back is not the same as none. So the own gate is only asked until the account's has charged.
    if (byOwn.kind !== 'not-before' || toUs(byOwn.at) > toUs(from)) {
      return laterOf(byOwn, this.#account.earliest(cost, from))
    }
    const account = this.#account.admit(cost, from)
    if (account.kind !== undefined) return account
    // The account's gate may know a later time from another workspace. The charge has the same date in both.
    const at = this.#advance(account.at)
    const own = this.#own.admit(cost, at)
    if (own.kind === undefined) return new JointReservation(own, account)
    // No gate in memory takes back its answer. One that does must not leave the account charged.
    this.#account.settle(account, NO_COST, at)
    return own
  }

  /** `ahead` is the sum of the requests that wait for this gate. The caller adds those of other workspaces, if they matter. */
  earliest(cost: Cost, now: number, ahead?: Cost): NotAdmitted {
    const from = this.#advance(now)
    return laterOf(this.#own.earliest(cost, from, ahead), this.#account.earliest(cost, from, ahead))
  }

  impossible(cost: Cost): Never | undefined {
    return this.#own.impossible(cost) ?? this.#account.impossible(cost)
  }

  mostOutput(inputTokens: number): number {
    return Math.min(this.#own.mostOutput(inputTokens), this.#account.mostOutput(inputTokens))
  }

  /** By the scarcest limit of both. */
  shareOf(cost: Cost): number {
    return Math.max(this.#own.shareOf(cost), this.#account.shareOf(cost))
  }

  settle(reservation: Reservation, actual: Cost | undefined, now: number): boolean {
    if (reservation.settled) return false
    reservation.settled = true
    const { own, account } = reservation as JointReservation
    const at = this.#advance(now)
    // A listener may admit at once, and must find both refunds. So the own gate's call waits until the account has settled.
    this.#isSettling = true
    this.#own.settle(own, actual, at)
    this.#isSettling = false
    const ownHasRoom = this.#ownHasRoom
    this.#ownHasRoom = false
    this.#account.settle(account, actual, at)
    if (ownHasRoom) this.#notify()
    return true
  }

  /** Raises each gate by itself. The use counts where it can, and each gate settles by its own charge. */
  raise(reservation: Reservation, cost: Cost, now: number): boolean {
    if (reservation.settled) return false
    const { own, account } = reservation as JointReservation
    const at = this.#advance(now)
    const byOwn = this.#own.raise(own, cost, at)
    return this.#account.raise(account, cost, at) || byOwn
  }

  /** Holds the own gate only. The refusal of one workspace's request says nothing certain about the account. */
  hold(until: number, empties: 'requests' | 'tokens' | 'all' | 'none', now: number): void {
    this.#own.hold(until, empties, this.#advance(now))
  }

  get heldUntil(): number {
    return Math.max(this.#own.heldUntil, this.#account.heldUntil)
  }

  /** Paces the own gate only, for the same reason. */
  pace(requestsPerSecond: number | undefined, now: number): void {
    this.#own.pace(requestsPerSecond, this.#advance(now))
  }

  /** Sets it for the own meters. The account's owner sets it there. */
  setOutputAccounting(outputAccounting: OutputAccounting, now: number): void {
    this.#own.setOutputAccounting(outputAccounting, this.#advance(now))
  }

  accountsFor(reservation: Reservation, now: number): boolean {
    const { own, account } = reservation as JointReservation
    const at = this.#advance(now)
    const byOwn = this.#own.accountsFor(own, at)
    return this.#account.accountsFor(account, at) || byOwn
  }

  /** Sets the own limits only. */
  setLimits(limits: Limits, now: number, configured?: Limits): void {
    this.#own.setLimits(limits, this.#advance(now), configured)
  }

  /** Sets it for the own meters. The account's owner sets it there. */
  setNetworkJitter(networkJitterMs: number, now: number): void {
    this.#own.setNetworkJitter(networkJitterMs, this.#advance(now))
  }

  /** Sets it for the own meters. The account's owner sets it there. */
  setClockPhase(phase: ClockPhase | undefined, now: number): void {
    this.#own.setClockPhase(phase, this.#advance(now))
  }

  /**
   * The use of the own limits, which is the workspace's alone. Without own limits, the use of the account's, which is that of all
   * workspaces. Never both: there would be two rows of one limit.
   */
  room(now: number): MeterUse[] {
    const at = this.#advance(now)
    const own = this.#own.room(at)
    return own.length > 0 ? own : this.#account.room(at)
  }

  /** The shares of the own limits. */
  usedShares(kind: 'requests' | 'tokens', now: number, refused: Cost): UsedShares | undefined {
    return this.#own.usedShares(kind, this.#advance(now), refused)
  }

  minuteFreesAt(now: number): number {
    const at = this.#advance(now)
    return Math.max(this.#own.minuteFreesAt(at), this.#account.minuteFreesAt(at))
  }

  /** Only the account's limits can overflow. */
  overflowed(reservation: Reservation, now: number): void {
    this.#account.overflowed?.((reservation as JointReservation).account, this.#advance(now))
  }

  /**
   * Calls `listener` when room may have come in the own gate. The account's gate has one listener for all workspaces. That one
   * must ask every workspace again, this one included. A settlement calls it before this `listener`.
   */
  onChange(listener: () => void): void {
    this.#notify = listener
  }

  /** Those of this workspace alone, not of the account. */
  get inFlight(): number {
    return this.#own.inFlight
  }

  /** The time never runs backward, as in the gates. An own gate ahead of its caller would answer its present as a later time. */
  #advance(now: number): number {
    if (now > this.#now) this.#now = now
    return this.#now
  }
}

/**
 * The answer that holds for both gates. The later of two times is exact: a gate that admits at one time admits at any later one,
 * if nothing is charged meanwhile.
 */
function laterOf(own: NotAdmitted, account: NotAdmitted): NotAdmitted {
  if (own.kind === 'never') return own
  if (account.kind === 'never') return account
  if (own.kind === 'until-change') return own
  if (account.kind === 'until-change') return account
  return own.at >= account.at ? own : account
}
