import type { Candidate } from '../throttling/fallback.js'
import type { ModelState } from '../models/model-state.js'
import type { Cost } from '../types.js'
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
      held: modelState.isHeld(now),
      closed: job.usedUp?.has(modelState) === true || modelState.whyClosed(cost, now) !== undefined,
      startsAt: () => startsAt(modelState, cost, now),
    }
  })
}

function atHead(modelState: ModelState, cost: Cost, now: number): number {
  return modelState.startsAt(cost, now)
}

/** The cost that was made last. Requests alike share it: a million that wait then hold one object, not 64 MB of them. */
let newest: Cost = { requests: 1, inputTokens: 0, outputTokens: 0, thinkingTokens: 0, knownOutputTokens: 0 }

/**
 * The cost of a request at a model: its input, and the output that earlier answers of the model let expect, with the request's
 * part of the margin for all requests in flight. An expectation never makes a request too large for the model.
 *
 * The requests in flight are counted now, when the request enters a queue, and not when it starts: the queue orders, backfills
 * and predicts by costs, so a cost must not change while its request waits. The loss is small: a request waits because the model
 * is full, and the number that a full model holds changes slowly. Only where a crowd comes to an idle model whose buckets are
 * empty, each request of the crowd keeps the margin of a request that runs alone. An attempt that is repeated is counted anew.
 */
export function costAt(modelState: ModelState, request: JobRequest, output: OutputExpectation): Cost {
  const { model, outputAccounting, inFlight } = modelState
  const { tokens, route = 'chat', maxOutputTokens, choices = 1 } = request
  // A server that reserves `max_tokens` counts them with the request. The limiter does the same.
  const reserves = outputAccounting === 'reserved' && maxOutputTokens !== undefined && route !== 'embeddings'
  const inputTokens = Math.ceil(request.inputTokens ?? tokens ?? 0)
  const outputTokens =
    tokens === undefined
      ? Math.min(
          reserves
            ? Math.ceil(maxOutputTokens) * choices
            : output.reserve(model, route, maxOutputTokens, choices, inFlight),
          modelState.mostOutput(inputTokens),
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
