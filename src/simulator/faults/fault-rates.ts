import type { Dialect } from '../errors/dialect.js'
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
  /** An error in the stream, before or after the first text, in each of the forms that the service was seen to send. */
  readonly streamError?: number
  /**
   * A transient 500 or 503; of Model Studio `ModelServingError`, `ModelUnavailable`, `RequestTimeOut`, `InternalError` or
   * `InternalError.Algo`.
   */
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
