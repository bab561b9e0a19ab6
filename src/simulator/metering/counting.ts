import { BucketCounter } from './bucket.js'
import type { Counter, CounterSpec } from './counter.js'
import { FixedCounter, SlidingCounter } from './window.js'

export type { Counter, CounterSpec, Posting, WindowKind } from './counter.js'

/** A counter of the kind asked for, empty. */
export function createCounter(spec: CounterSpec): Counter {
  if (spec.kind === 'sliding') return new SlidingCounter(spec)
  if (spec.kind === 'fixed') return new FixedCounter(spec)
  return new BucketCounter(spec)
}
