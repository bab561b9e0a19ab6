import { Collector, type ModelActivity } from '../metrics/collector.js'

/** Tenants that are counted at once. One takes about 6 KB, so that all of them take 6 MB. */
const MAX_TENANTS = 1000
/** A tenant that sent something within this time, in ms, makes no place for another. */
const KEPT_MS = 300_000
/** An hour by the minute, and the 64 newest latencies. */
const SIZE = { slotMs: 60_000, slots: 60, samples: 64 }

interface Seen {
  readonly collector: Collector
  at: number
}

/** What each tenant did, over all models. Beyond a thousand tenants a new one is counted only when an old one has gone. */
export class TenantActivity {
  readonly #now: () => number
  readonly #byName = new Map<string, Seen>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** Undefined where there is no place for one more. */
  of(tenant: string): Collector | undefined {
    const at = this.#now()
    const seen = this.#byName.get(tenant)
    if (seen !== undefined) {
      seen.at = at
      return seen.collector
    }
    if (this.#byName.size >= MAX_TENANTS && !this.#makePlace(at)) return undefined
    const collector = new Collector(SIZE)
    this.#byName.set(tenant, { collector, at })
    return collector
  }

  /** The reports of those that are known, by name. */
  *reports(lastMs: number, now: number): Generator<[string, ModelActivity]> {
    for (const [tenant, { collector }] of this.#byName) yield [tenant, collector.report(lastMs, now)]
  }

  /** The report of a tenant that has done nothing. */
  nothing(lastMs: number, now: number): ModelActivity {
    return new Collector(SIZE).report(lastMs, now)
  }

  /** Looks at the first few tenants, and moves those that stay to the end: a crowd of newcomers must not look at all of them each. */
  #makePlace(now: number): boolean {
    let left = 4
    for (const [tenant, seen] of this.#byName) {
      this.#byName.delete(tenant)
      if (now - seen.at >= KEPT_MS) return true
      this.#byName.set(tenant, seen)
      if (--left === 0) return false
    }
    return false
  }
}
