import { BucketCounter } from './bucket-counter.js'
import type { Counter, CounterSpec } from './counter.js'
import { FixedWindowCounter, SlidingWindowCounter } from './window-counters.js'

export type { Counter, CounterSpec, Posting, WindowKind } from './counter.js'

/** An empty counter of the kind that `spec` names. */
export function createCounter(spec: CounterSpec): Counter {
  if (spec.kind === 'sliding') return new SlidingWindowCounter(spec)
  if (spec.kind === 'fixed') return new FixedWindowCounter(spec)
  return new BucketCounter(spec)
}
