/** Exact sums of tokens: `reserved + excess = settled + refunded + inFlight`. */
export interface TokenTotals {
  readonly reserved: number
  readonly settled: number
  readonly refunded: number
  readonly excess: number
  readonly inFlight: number
}

/** The sums of one gate. Each reserved token is settled, refunded or in flight. */
export class GateTotals implements TokenTotals {
  reserved = 0
  settled = 0
  refunded = 0
  excess = 0
  inFlight = 0

  admitted(tokens: number): void {
    this.reserved += tokens
    this.inFlight += tokens
  }

  raised(tokens: number): void {
    this.excess += tokens
    this.inFlight += tokens
  }

  /** `reserved`: the whole charge, raises included. */
  ended(reserved: number, actual: number): void {
    this.inFlight -= reserved
    this.settled += actual
    if (actual < reserved) this.refunded += reserved - actual
    else this.excess += actual - reserved
  }
}
