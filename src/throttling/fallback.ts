/** The state of a model in a request's chain. Times are in ms of the clock. */
export interface Candidate {
  readonly model: string
  /** Whether it has returned a 429 to the request since the chain began. */
  readonly tried: boolean
  /** Whether the model is held now. */
  readonly held: boolean
  /** Whether it cannot serve the request: retired, quota exhausted, or the request too large. */
  readonly closed: boolean
  /** When the request could start there. Called only if the choice depends on it. */
  startsAt(): number
}

/** The first model of the chain that the request has not tried, that is not held and that can serve it. */
export function nextModel<C extends Candidate>(chain: readonly C[]): C | undefined {
  return chain.find((candidate) => !candidate.tried && !candidate.held && !candidate.closed)
}

/** The model that can start the request first. The earlier in the chain wins a tie. */
export function soonestModel<C extends Candidate>(chain: readonly C[]): C | undefined {
  let soonest: C | undefined
  let startsAt = Infinity
  for (const candidate of chain) {
    if (candidate.closed) continue
    const at = candidate.startsAt()
    if (soonest === undefined || at < startsAt) {
      soonest = candidate
      startsAt = at
    }
  }
  return soonest
}

/**
 * The model for a request that its own model cannot serve any more: the next one, otherwise the one that can start it first.
 */
export function anotherModel<C extends Candidate>(chain: readonly C[]): C | undefined {
  return nextModel(chain) ?? soonestModel(chain)
}

/**
 * The model for a new request: the first of the chain, if it can start there within `fallbackAfterWaitMs` from `now`. Otherwise
 * the model that can start it first.
 */
export function modelAfterWait<C extends Candidate>(
  chain: readonly C[],
  now: number,
  fallbackAfterWaitMs: number,
): C | undefined {
  const first = chain[0]
  if (first !== undefined && !first.closed && first.startsAt() <= now + fallbackAfterWaitMs) return first
  return soonestModel(chain)
}
