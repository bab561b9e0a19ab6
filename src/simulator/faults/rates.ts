import { errorBodies } from '../errors/bodies.js'
import { streamErrors } from '../errors/throttling.js'
import type { RefusalClass } from '../errors/throttling.js'
import { Random } from '../random.js'
import type { SimulatedRequest } from '../requests/request.js'
import type { Fault } from './faults.js'

/** How many of the requests go wrong in each way, each a part of 1; together at most 1. Drawn by the seed. */
export interface FaultRates {
  /** The connection is dropped before the headers. */
  readonly drop?: number
  /** The connection is dropped after the headers. */
  readonly dropAfterHeaders?: number
  /** The answer is torn off in the middle. */
  readonly cut?: number
  /** The body takes `slowBodyMs`. */
  readonly slowBody?: number
  /** The answer does not say what it used. */
  readonly noUsage?: number
  /** An error in the stream, before or after the first text, in each of the forms that were seen. */
  readonly streamError?: number
  /** A transient 500 or 503: `ModelServingError`, `ModelUnavailable`, `RequestTimeOut` or `InternalError`. */
  readonly serverError?: number
  /** How long a slow body takes, in milliseconds. @default 5000 */
  readonly slowBodyMs?: number
}

/** The faults that have a rate. */
export const faultNames = [
  'drop',
  'dropAfterHeaders',
  'cut',
  'slowBody',
  'noUsage',
  'streamError',
  'serverError',
] as const

/** Keeps these draws apart from those of the answers, so that an answer is the same with faults and without. */
const STREAM_OFFSET = 0x5eed
const MAX_CHUNKS_BEFORE = 4
const classes: readonly RefusalClass[] = ['requests', 'tokens', 'surge', 'capacity']

/** What goes wrong with a request, if anything does: the same for the same seed and number. */
export function drawnFault(rates: FaultRates, seed: number, request: SimulatedRequest): Fault | undefined {
  const random = new Random(seed + STREAM_OFFSET, request.n)
  let left = random.unit()
  for (const name of faultNames) {
    left -= rates[name] ?? 0
    if (left < 0) return faultOf(name, rates, random, request.id)
  }
  return undefined
}

function faultOf(name: (typeof faultNames)[number], rates: FaultRates, random: Random, requestId: string): Fault {
  if (name === 'drop') return { drop: 'before-headers' }
  if (name === 'dropAfterHeaders') return { drop: 'after-headers' }
  if (name === 'cut') return { cutAfterChunks: 1 + (random.uint32() % MAX_CHUNKS_BEFORE) }
  if (name === 'slowBody') return { slowBodyMs: rates.slowBodyMs ?? 5000 }
  if (name === 'noUsage') return { noUsage: true }
  if (name === 'serverError') return serverFault(random, requestId)
  const afterChunks = random.uint32() % MAX_CHUNKS_BEFORE
  const refusal = classes[random.uint32() % classes.length] ?? 'requests'
  const forms = [streamErrors.native(refusal, requestId), streamErrors.openai(refusal), streamErrors.serving()]
  return { streamError: forms[random.uint32() % forms.length], afterChunks }
}

function serverFault(random: Random, requestId: string): Fault {
  const faults = [
    { status: 500, body: errorBodies.unavailable(requestId) },
    { status: 503, body: errorBodies.unavailable(requestId) },
    { status: 503, body: errorBodies.modelUnavailable(requestId) },
    { status: 500, body: errorBodies.timedOut(requestId) },
    { status: 500, body: errorBodies.internal('An internal error has occurred, please try again later.', requestId) },
  ] as const
  return faults[random.uint32() % faults.length] ?? faults[0]
}
