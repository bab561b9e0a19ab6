import type { Cost } from '../types.js'

/** A charge that was admitted. It stays open until the gate learns what was really used, and settles it. */
export interface Reservation {
  readonly cost: Cost
  /** When it was admitted, in the clock's ms. */
  readonly at: number
  /** The number of its charge: a later charge of the same gate has a higher one. */
  readonly seq: number
  /** Whether it was settled. A reservation is settled once. */
  settled: boolean
  /** The newest of the charges that were added to it; see `Reservations.raise`. */
  raised?: Raise | undefined
}

/** A charge added to a reservation that had turned out too low. */
export interface Raise {
  /** The whole charge of the reservation since this raise. */
  readonly cost: Cost
  readonly seq: number
  /** The raise before it. */
  readonly below: Raise | undefined
}

/** The cost of a request that was never sent. Settling a reservation at it gives back everything. */
export const NO_COST: Cost = { requests: 0, inputTokens: 0, outputTokens: 0, thinkingTokens: 0 }

/** The whole charge of a reservation so far, its raises included. */
export function chargedBy({ cost, raised }: Reservation): Cost {
  return raised === undefined ? cost : raised.cost
}
