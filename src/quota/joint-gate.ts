import type { Cost, Limits, OutputAccounting } from '../types.js'
import {
  NO_COST,
  toUs,
  type Admission,
  type ClockPhase,
  type Gate,
  type MeterUse,
  type Never,
  type Raise,
  type NotAdmitted,
  type Reservation,
} from './gate.js'

/** One charge that stands in two gates. */
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
 * Two gates charged together, all or nothing: the limits of a workspace inside those of its account. It alone speaks to its
 * own gate; the account's it shares with others, and whoever owns that hears of its changes: see {@link onChange}.
 */
export class JointGate implements Gate {
  /** Shared with others. A hold of the account is set here: {@link hold} leaves it alone. */
  readonly account: Gate
  readonly #own: Gate
  #now = -Infinity
  #notify: () => void = () => {}
  #isSettling = false
  #ownHasRoom = false

  constructor(own: Gate, account: Gate) {
    this.#own = own
    this.account = account
    own.onChange(() => {
      if (this.#isSettling) this.#ownHasRoom = true
      else this.#notify()
    })
  }

  admit(cost: Cost, now: number): Admission {
    const from = this.#advance(now)
    const byOwn = this.#own.earliest(cost, from)
    // Charged and given back is not the same as never charged: so the own gate is only asked until the account's has charged.
    if (byOwn.kind !== 'not-before' || toUs(byOwn.at) > toUs(from)) {
      return laterOf(byOwn, this.account.earliest(cost, from))
    }
    const account = this.account.admit(cost, from)
    if (account.kind !== undefined) return account
    // The account may have seen a later time from another workspace: the charge is dated the same in both.
    const at = this.#advance(account.at)
    const own = this.#own.admit(cost, at)
    if (own.kind === undefined) return new JointReservation(own, account)
    // No gate in memory takes its answer back, but one that does must not leave the account charged.
    this.account.settle(account, NO_COST, at)
    return own
  }

  /** `ahead` is what waits for this gate; what waits for others of the account is not in it unless the caller adds it. */
  earliest(cost: Cost, now: number, ahead?: Cost): NotAdmitted {
    const from = this.#advance(now)
    return laterOf(this.#own.earliest(cost, from, ahead), this.account.earliest(cost, from, ahead))
  }

  impossible(cost: Cost): Never | undefined {
    return this.#own.impossible(cost) ?? this.account.impossible(cost)
  }

  mostOutput(inputTokens: number): number {
    return Math.min(this.#own.mostOutput(inputTokens), this.account.mostOutput(inputTokens))
  }

  /** Of whichever limit is the scarcer one. */
  shareOf(cost: Cost): number {
    return Math.max(this.#own.shareOf(cost), this.account.shareOf(cost))
  }

  settle(reservation: Reservation, actual: Cost | undefined, now: number): boolean {
    if (reservation.settled) return false
    reservation.settled = true
    const { own, account } = reservation as JointReservation
    const at = this.#advance(now)
    // Whoever is told of room may admit at once, and must find both refunds there: the own gate's word waits for the other.
    this.#isSettling = true
    this.#own.settle(own, actual, at)
    this.#isSettling = false
    const ownHasRoom = this.#ownHasRoom
    this.#ownHasRoom = false
    this.account.settle(account, actual, at)
    if (ownHasRoom) this.#notify()
    return true
  }

  /** Each by itself: what was used counts where it can, and each gate settles by what it has charged. */
  raise(reservation: Reservation, cost: Cost, now: number): boolean {
    if (reservation.settled) return false
    const { own, account } = reservation as JointReservation
    const at = this.#advance(now)
    const byOwn = this.#own.raise(own, cost, at)
    return this.account.raise(account, cost, at) || byOwn
  }

  /** Holds the own gate only: a refusal of one workspace's request says nothing certain of the account. */
  hold(until: number, empties: 'requests' | 'tokens' | 'all' | 'none', now: number): void {
    this.#own.hold(until, empties, this.#advance(now))
  }

  get heldUntil(): number {
    return Math.max(this.#own.heldUntil, this.account.heldUntil)
  }

  /** Paces the own gate only, for the same reason. */
  pace(requestsPerSecond: number | undefined, now: number): void {
    this.#own.pace(requestsPerSecond, this.#advance(now))
  }

  /** Of the own meters; the account's hears it from whoever owns it. */
  setOutputAccounting(outputAccounting: OutputAccounting, now: number): void {
    this.#own.setOutputAccounting(outputAccounting, this.#advance(now))
  }

  accountsFor(reservation: Reservation, now: number): boolean {
    const { own, account } = reservation as JointReservation
    const at = this.#advance(now)
    const byOwn = this.#own.accountsFor(own, at)
    return this.account.accountsFor(account, at) || byOwn
  }

  /** Sets the own limits. */
  setLimits(limits: Limits, now: number, configured?: Limits): void {
    this.#own.setLimits(limits, this.#advance(now), configured)
  }

  /** Of the own limits; the account's has its own from whoever owns it. */
  setNetworkJitter(networkJitterMs: number, now: number): void {
    this.#own.setNetworkJitter(networkJitterMs, this.#advance(now))
  }

  /** Of the own limits, likewise. */
  setClockPhase(phase: ClockPhase | undefined, now: number): void {
    this.#own.setClockPhase(phase, this.#advance(now))
  }

  /**
   * The own windows: they go with the own limits, and their use is the workspace's alone. Where it has none, the account's,
   * which are all that can stop it; their use is everybody's. Never both, for there would be two rows of one limit.
   */
  room(now: number): MeterUse[] {
    const at = this.#advance(now)
    const own = this.#own.room(at)
    return own.length > 0 ? own : this.account.room(at)
  }

  /** Of the own limits. */
  usedShares(kind: 'requests' | 'tokens', now: number, refused: Cost): { minute: number; second: number } | undefined {
    return this.#own.usedShares(kind, this.#advance(now), refused)
  }

  minuteFreesAt(now: number): number {
    const at = this.#advance(now)
    return Math.max(this.#own.minuteFreesAt(at), this.account.minuteFreesAt(at))
  }

  /** The account's limits are what overflows. */
  overflowed(reservation: Reservation, now: number): void {
    this.account.overflowed?.((reservation as JointReservation).account, this.#advance(now))
  }

  /**
   * Calls `listener` when room may have come in the own gate. The account's has one listener, which is of all that share it:
   * that one must ask every workspace again, this one included. In a settlement it is called before this `listener`.
   */
  onChange(listener: () => void): void {
    this.#notify = listener
  }

  /** Of this gate alone, not of the account. */
  get inFlight(): number {
    return this.#own.inFlight
  }

  /** Never backward, like the gates: an own gate that is ahead of the caller would name its present as a time to wait for. */
  #advance(now: number): number {
    if (now > this.#now) this.#now = now
    return this.#now
  }
}

/**
 * The answer that holds for both. Of two times the later is exact: what a gate admits at one time it admits at any later
 * one, if nothing is charged meanwhile.
 */
function laterOf(own: NotAdmitted, account: NotAdmitted): NotAdmitted {
  if (own.kind === 'never') return own
  if (account.kind === 'never') return account
  if (own.kind === 'until-change') return own
  if (account.kind === 'until-change') return account
  return own.at >= account.at ? own : account
}
