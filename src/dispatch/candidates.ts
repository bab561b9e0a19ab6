import { startOf } from '../quota/admission-result.js'
import type { Candidate } from '../throttling/fallback.js'
import type { Cost } from '../types.js'
import type { ModelState } from '../models/model-state.js'
import type { Job } from './job.js'
import type { JobRequest } from './schedule-request.js'
import type { OutputExpectation } from './settlement.js'

/** A model of a job's chain, as it stands now. */
export interface ModelCandidate extends Candidate {
  readonly modelState: ModelState
}

/**
 * How the models of a job's chain stand at `now`. `startsAt` says when one can start it, in the clock's ms; by default at
 * the head of its queue.
 */
export function candidates(
  job: Job,
  output: OutputExpectation,
  now: number,
  startsAt: (modelState: ModelState, cost: Cost, now: number) => number = atHead,
): ModelCandidate[] {
  return job.chain.map((modelState) => {
    const cost = costAt(modelState, job.request, output)
    return {
      modelState,
      model: modelState.model,
      tried: job.tried?.has(modelState) === true,
      held: modelState.gate.heldUntil > now,
      closed: job.usedUp?.has(modelState) === true || modelState.refusal(cost, now) !== undefined,
      startsAt: () => startsAt(modelState, cost, now),
    }
  })
}

function atHead({ gate }: ModelState, cost: Cost, now: number): number {
  return startOf(gate.earliest(cost, now))
}

/** The cost that was made last: requests alike, of which a million may wait, share one. */
let newest: Cost = { requests: 1, inputTokens: 0, outputTokens: 0, thinkingTokens: 0, knownOutputTokens: 0 }

/**
 * What a request is charged with at a model: its input, and the output that the model's answers let expect, with its part
 * of the margin for all in flight. An expectation never makes a request too large for the model.
 *
 * What is in flight is counted now, when the request enters a queue, not when it starts: the queue is ordered, packed and
 * predicted by costs, which must not change while they wait. Little is lost: a request waits because the model is full, and
 * how many a full model holds changes slowly, so a million that wait alike also share one cost. Only where a crowd comes to an
 * idle model whose buckets are empty do all of it keep the margin of a request alone. An attempt that is repeated is
 * counted anew.
 */
export function costAt(
  { model, gate, outputAccounting, inFlight }: ModelState,
  request: JobRequest,
  output: OutputExpectation,
): Cost {
  const { tokens, route = 'chat', maxOutputTokens, choices = 1 } = request
  // A server that reserves the most that an answer may have counts it with the request: so must we.
  const reserves = outputAccounting.way === 'reserved' && maxOutputTokens !== undefined && route !== 'embeddings'
  const inputTokens = Math.ceil(request.inputTokens ?? tokens ?? 0)
  const outputTokens =
    tokens === undefined
      ? Math.min(
          reserves
            ? Math.ceil(maxOutputTokens) * choices
            : output.reserve(model, route, maxOutputTokens, choices, inFlight),
          gate.mostOutput(inputTokens),
        )
      : Math.max(0, Math.ceil(tokens) - inputTokens)
  const knownOutputTokens = tokens === undefined ? 0 : outputTokens
  if (
    inputTokens !== newest.inputTokens ||
    outputTokens !== newest.outputTokens ||
    knownOutputTokens !== newest.knownOutputTokens
  ) {
    newest = { requests: 1, inputTokens, outputTokens, thinkingTokens: 0, knownOutputTokens }
  }
  return newest
}
