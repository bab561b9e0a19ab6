/** A model of a job's chain, as the choice sees it. Times are the clock's ms. */
export interface Candidate {
  readonly model: string
  /** Whether the job has had a 429 from it since its chain began. */
  readonly tried: boolean
  /** Whether its group is held now. */
  readonly held: boolean
  /** Whether it cannot serve at all: retired, quota exhausted, or the request too large for it. */
  readonly closed: boolean
  /** When the job could start there; only asked for when it matters. */
  startsAt(): number
}

/** The next model to go to at once: the first of the chain that was not tried, is not held and can serve. */
export function nextModel<C extends Candidate>(chain: readonly C[]): C | undefined {
  return chain.find((candidate) => !candidate.tried && !candidate.held && !candidate.closed)
}

/** The model that can start the job first, of those that can serve; the earlier in the chain where two are equal. */
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

/** The model for a request that its own can serve no more: the next one, or else the one that can start it first. */
export function anotherModel<C extends Candidate>(chain: readonly C[]): C | undefined {
  return nextModel(chain) ?? soonestModel(chain)
}

/**
 * The model for a request that has not been sent: the first of the chain, unless it could only start there later than
 * `fallbackAfterWaitMs` from `now`. Then the one that can start it first.
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
