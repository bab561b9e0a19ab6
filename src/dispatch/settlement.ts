import { chargedBy } from '../quota/reservation.js'
import type { Cost, Route, Usage } from '../types.js'
import type { Attempt } from './attempt.js'

/** What is expected of an answer before it is there, and what it turned out to be. */
export interface OutputExpectation {
  /** What to reserve for all choices of a request, with so many requests of the model in flight. */
  reserve(model: string, route: Route, maxOutputTokens: number | undefined, choices: number, inFlight: number): number
  observe(model: string, route: Route, maxOutputTokens: number | undefined, outputTokens: number): void
}

/** How an attempt ended: with a usage, with an unknown one, refused by the server, or before anything was sent. */
export type Ending = Usage | 'unknown' | 'refused' | 'unsent'

/**
 * Corrects the charge of an attempt to what it used. An unknown usage leaves the reservation standing until its window
 * has passed: the server may have done all the work. A refusal costs what the profile says.
 */
export function settle(attempt: Attempt, ending: Ending, now: number, output: OutputExpectation): void {
  const { reservation, job, modelState } = attempt
  const { cost } = reservation
  const actual = actualCost(attempt, ending)
  if (typeof ending === 'object') {
    const { route = 'chat', maxOutputTokens, choices = 1, tokens } = job.request
    if (tokens === undefined && route !== 'embeddings') {
      output.observe(modelState.model, route, maxOutputTokens, Math.ceil(ending.outputTokens / choices))
    }
  }
  const counted = actual ?? chargedBy(reservation)
  modelState.ended()
  modelState.answered(reservation, typeof ending === 'object' ? ending.outputTokens : undefined, now)
  attempt.recorder.tokens(counted.inputTokens + counted.outputTokens, now)
  const { events } = modelState.workspace
  if (events.has('settle')) {
    const { inputTokens, outputTokens, thinkingTokens } = cost
    const usage = typeof ending === 'object' ? ending : undefined
    events.emit('settle', { model: modelState.model, reserved: { inputTokens, outputTokens, thinkingTokens }, usage })
  }
  if (attempt.share !== undefined && counted !== cost) modelState.lane.queue.correct(job, attempt.share, counted)
  // Last, because the room that comes back may start other requests.
  modelState.gate.settle(reservation, actual, now)
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
  // What counted with the request as part of an exact total must not count once more when the answer is there.
  const knownOutputTokens = job.request.tokens === undefined ? 0 : outputTokens
  return { requests: reservation.cost.requests, inputTokens, outputTokens, thinkingTokens, knownOutputTokens }
}
