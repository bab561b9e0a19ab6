import { Collector, type ModelActivity } from '../metrics/collector.js'
import { Recorders, type Recorder } from '../metrics/recorder.js'

/** Each takes some 80 KB; those not seen for longest are forgotten first. */
const MOST_TENANTS = 128

/** What each tenant did, over all models. */
export class TenantActivity {
  readonly #byName = new Map<string, Collector>()

  of(tenant: string): Collector {
    const collector = this.#byName.get(tenant) ?? new Collector()
    // Put back at the end: the first is the one not seen for longest.
    this.#byName.delete(tenant)
    this.#byName.set(tenant, collector)
    if (this.#byName.size > MOST_TENANTS) this.#byName.delete(this.#byName.keys().next().value as string)
    return collector
  }

  /** Who hears of a tenant's request, beside `others`. */
  with(tenant: string | undefined, others: Recorder): Recorder {
    return tenant === undefined ? others : new Recorders(others, this.of(tenant))
  }

  /** The report of a tenant that has done nothing. */
  nothing(lastMs: number, now: number): ModelActivity {
    return new Collector().report(lastMs, now)
  }

  entries(): IterableIterator<[string, Collector]> {
    return this.#byName.entries()
  }
}
