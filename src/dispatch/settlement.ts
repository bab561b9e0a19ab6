import type { Cost, Route, Usage } from '../types.js'
import type { Attempt } from './attempt.js'

/** How long answers are expected to be, learned from how long they were. */
export interface OutputExpectation {
  /** The output tokens to reserve for all choices of a request, with `inFlight` requests of the model in flight. */
  reserve(model: string, route: Route, maxOutputTokens: number | undefined, choices: number, inFlight: number): number
  /** An answer of one choice had this many output tokens. */
  observe(model: string, route: Route, maxOutputTokens: number | undefined, outputTokens: number): void
}

/** How an attempt ended: with a usage, with an unknown one, refused by the server, or before anything was sent. */
export type Ending = Usage | 'unknown' | 'refused' | 'unsent'

/**
 * Settles an attempt: corrects its charge to what it used. An unknown usage leaves the reservation standing until its window
 * has passed: the server may have done all the work. A refusal costs what the profile says. Nothing else settles an
 * attempt. The dispatcher calls this once for each: it asks `reservation.settled` before.
 */
export function settle(attempt: Attempt, ending: Ending, now: number, output: OutputExpectation): void {
  const { job, modelState } = attempt
  const usage = typeof ending === 'object' ? ending : undefined
  const { route = 'chat', maxOutputTokens, choices = 1, tokens } = job.request
  if (usage !== undefined && tokens === undefined && route !== 'embeddings') {
    output.observe(modelState.model, route, maxOutputTokens, Math.ceil(usage.outputTokens / choices))
  }
  modelState.settled(attempt, actualCost(attempt, ending), usage, now)
}

function actualCost({ job, reservation }: Attempt, ending: Ending): Cost | undefined {
  if (ending === 'unknown') return undefined
  if (ending === 'refused' || ending === 'unsent') {
    return {
      requests: ending === 'refused' ? job.profile.rejectedCost : 0,
      inputTokens: 0,
      outputTokens: 0,
      thinkingTokens: 0,
    }
  }
  const { inputTokens, outputTokens, thinkingTokens = 0 } = ending
  // Output that counted with the request, as part of an exact total, must not count once more when the answer is there.
  const knownOutputTokens = job.request.tokens === undefined ? 0 : outputTokens
  return { requests: reservation.cost.requests, inputTokens, outputTokens, thinkingTokens, knownOutputTokens }
}
