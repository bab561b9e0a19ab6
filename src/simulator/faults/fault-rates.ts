import type { Dialect } from '../errors/dialect.js'
import type { RefusalClass } from '../errors/throttling.js'
import { Random } from '../random.js'
import type { SimulatedRequest } from '../requests/request.js'
import type { Fault } from './faults.js'

/** The share of requests with each fault, from 0 to 1. The sum is at most 1. The seed decides which requests fail. */
export interface FaultRates {
  /** The connection is destroyed before the headers. */
  readonly drop?: number
  /** The connection is destroyed after the headers. */
  readonly dropAfterHeaders?: number
  /** The connection is destroyed in the middle of the response. */
  readonly cut?: number
  /** The body takes `slowBodyMs` milliseconds. */
  readonly slowBody?: number
  /** The response has no usage. */
  readonly noUsage?: number
  /** An error in a stream, before or after the first text, in one of the forms that the service is known to send. */
  readonly streamError?: number
  /**
   * A transient 500 or 503. For Model Studio it is `ModelServingError`, `ModelUnavailable`, `RequestTimeOut`,
   * `InternalError` or `InternalError.Algo`.
   */
  readonly serverError?: number
  /** How long a slow body takes, in milliseconds (a guess). @default 5000 */
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

/**
 * Added to the seed, so that faults and answers are drawn independently: a request gets the same answer with and
 * without faults. Any other constant would do.
 */
const STREAM_OFFSET = 0x5eed
/**
 * A drawn fault occurs after at most this many chunks with text.
 *
 * Chosen: a drawn answer of mean length has about 16 chunks, so most faults occur inside it. Larger: more faults fall
 * on answers that have already ended. Smaller: fewer cases are covered.
 */
const MAX_CHUNKS_BEFORE = 4
const classes: readonly RefusalClass[] = ['requests', 'tokens', 'surge', 'capacity']

/** The fault of a request, or undefined. The same seed and request number always give the same fault. */
export function drawnFault(
  rates: FaultRates,
  seed: number,
  request: SimulatedRequest,
  dialect: Dialect,
): Fault | undefined {
  const random = new Random(seed + STREAM_OFFSET, request.n)
  let left = random.unit()
  for (const name of faultNames) {
    left -= rates[name] ?? 0
    if (left < 0) return faultOf(name, rates, random, request.id, dialect)
  }
  return undefined
}

function faultOf(
  name: (typeof faultNames)[number],
  rates: FaultRates,
  random: Random,
  requestId: string,
  dialect: Dialect,
): Fault {
  if (name === 'drop') return { drop: 'before-headers' }
  if (name === 'dropAfterHeaders') return { drop: 'after-headers' }
  if (name === 'cut') return { cutAfterChunks: 1 + (random.uint32() % MAX_CHUNKS_BEFORE) }
  if (name === 'slowBody') return { slowBodyMs: rates.slowBodyMs ?? 5000 }
  if (name === 'noUsage') return { noUsage: true }
  if (name === 'serverError') {
    const errors = dialect.serverErrors(requestId)
    return errors[random.uint32() % errors.length] ?? errors[0]
  }
  const afterChunks = random.uint32() % MAX_CHUNKS_BEFORE
  const refusal = classes[random.uint32() % classes.length] ?? 'requests'
  const forms = dialect.streamErrors(refusal, requestId)
  return { streamError: forms[random.uint32() % forms.length], afterChunks }
}
