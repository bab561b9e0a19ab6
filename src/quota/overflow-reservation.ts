import type { Cost } from '../types.js'
import type { Reservations } from './gate.js'
import type { Raise, Reservation } from './reservation.js'

/** A charge that the own gate holds, and perhaps the other one, too. */
export class OverflowReservation implements Reservation {
  readonly cost: Cost
  readonly own: Reservation
  /** Whether it went by the other gate at once. The own one then holds a request alone. */
  readonly isOther: boolean
  other: { readonly gate: Reservations; readonly reservation: Reservation } | undefined
  settled = false

  constructor(cost: Cost, own: Reservation, isOther: boolean, other: OverflowReservation['other']) {
    this.cost = cost
    this.own = own
    this.isOther = isOther
    this.other = other
  }

  get at(): number {
    return this.own.at
  }

  get seq(): number {
    return this.own.seq
  }

  get raised(): Raise | undefined {
    return (this.isOther ? this.other?.reservation : this.own)?.raised
  }
}
