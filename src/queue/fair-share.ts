import type { Cost } from '../types.js'
import { JobList, CostSum, type Waiting } from './job-list.js'
import { SkipList, type SkipListNode } from './skip-list.js'

/** The jobs of one tenant at one priority, and the tenant's virtual time. */
export class TenantShare extends JobList {
  readonly weight: number
  /** The tenant's own virtual time: the sum of the shares that it was charged with, each divided by its weight. */
  tag = 0
  /**
   * The tag when the tenant last returned from being idle. A correction of an earlier job cannot lower the tag below
   * it.
   */
  floor = 0
  place: SkipListNode<TenantShare> | undefined

  constructor(holder: object, weight: number) {
    super(holder)
    this.weight = weight
  }
}

/** The weights of tenants and the shares of costs. */
export interface FairShareOptions {
  weightOf(tenant: string | undefined): number
  /** The dominant share of a cost: the part that it takes of the scarcest limit per minute. */
  shareOf(cost: Cost): number
}

/**
 * How many tenants may be remembered before idle ones are forgotten, beyond twice those that the last clean-up left.
 *
 * Chosen. A clean-up passes over all tenants. Larger: more memory for tenants that are gone. Smaller: more frequent
 * clean-ups. An idle tenant is forgotten only when its tag no longer matters, so no tenant gains or loses by it.
 */
const IDLE_TENANTS = 64
/**
 * The most tenants that one prediction reads. It assumes that the rest are like those.
 *
 * Chosen. Larger: a prediction takes longer. Smaller: it is less exact when many tenants wait.
 */
const MAX_TENANTS = 64

/**
 * Shares one priority among tenants by their weights: start-time fair queueing (Goyal, Vin and Cheng, 1996).
 *
 * Each tenant has a tag. A job raises its tenant's tag by the job's dominant share ÷ the tenant's weight. The tenant
 * with the smallest tag starts next. A tenant that returns from being idle continues at the smallest tag of the waiting
 * tenants, so it gains nothing by its absence.
 */
export class FairShare {
  readonly #holder: object
  readonly #fairness: FairShareOptions
  readonly #byName = new Map<string | undefined, TenantShare>()
  /** The tenants with jobs, in the order of their tags. */
  readonly #waiting = new SkipList<TenantShare>()
  /**
   * The virtual time of the priority: the largest value so far of the smallest tag among waiting tenants. No tenant
   * returns behind it.
   */
  #virtualTime = 0
  #forgetAbove = IDLE_TENANTS

  /** `holder` is the object that the lists belong to. */
  constructor(holder: object, fairness: FairShareOptions) {
    this.#holder = holder
    this.#fairness = fairness
  }

  /** How many tenants are remembered, idle ones included. */
  get known(): number {
    return this.#byName.size
  }

  /** The tenant whose job starts next. */
  get first(): TenantShare | undefined {
    return this.#waiting.first?.item
  }

  push(job: Waiting): void {
    const tenant = this.#of(job.tenant)
    if (tenant.first === undefined) {
      this.#advance()
      tenant.tag = tenant.floor = Math.max(tenant.tag, this.#virtualTime)
      tenant.place = this.#waiting.add(tenant, tenant.tag)
    }
    tenant.append(job)
  }

  remove(job: Waiting): void {
    const tenant = job.inList as TenantShare
    tenant.remove(job)
    if (tenant.first === undefined) this.#rest(tenant)
  }

  /** Charges a tenant with the share of a job that starts. */
  charge(name: string | undefined, share: number): void {
    this.#advance()
    const tenant = this.#of(name)
    if (tenant.place === undefined) tenant.tag = Math.max(tenant.tag, this.#virtualTime)
    this.#setTag(tenant, tenant.tag + share / tenant.weight)
  }

  /**
   * Corrects a tenant's charge after one of its jobs: `share` is the share that it used minus the share that it was
   * charged with.
   */
  correct(name: string | undefined, share: number): void {
    const tenant = this.#byName.get(name)
    if (tenant !== undefined) this.#setTag(tenant, Math.max(tenant.floor, tenant.tag + share / tenant.weight))
  }

  /**
   * Adds the jobs that are expected to start before a new job of the tenant. They are all jobs of the tenant itself,
   * and a part of the other tenants' jobs. That part is what their shares admit by then.
   */
  addAhead(name: string | undefined, into: CostSum): void {
    const own = this.#byName.get(name)
    const tag = Math.max(own?.tag ?? 0, this.first?.tag ?? this.#virtualTime)
    const ownShare = own === undefined ? 0 : this.#fairness.shareOf(own.load)
    const until = tag + ownShare / (own?.weight ?? this.#fairness.weightOf(name))
    if (own !== undefined) into.count(own.load, 1)
    let looked = 0
    const others = new CostSum()
    for (let at = this.#waiting.first; at !== undefined && looked < MAX_TENANTS && at.key <= until; at = at.next) {
      const other = at.item
      if (other === own) continue
      looked++
      const share = this.#fairness.shareOf(other.load)
      const part = share === 0 ? 1 : Math.min(1, ((until - other.tag) * other.weight) / share)
      // A tenant whose turn comes before that of the new job starts at least one job, however large it is.
      others.count(other.load, Math.max(part, 1 / other.load.jobs))
    }
    // The tenants beyond those read are assumed to be like them.
    const all = this.#waiting.size - (own?.place === undefined ? 0 : 1)
    if (looked > 0) into.count(others, looked === MAX_TENANTS ? all / looked : 1)
  }

  /**
   * Adds the jobs that may overtake `head` to `into`, up to `most` in all. They come roughly in the order of their
   * turns: the first job of each tenant, then the second of each.
   *
   * A tenant may not overtake if its tag is above the one that the head's tenant will have after the head. Otherwise a
   * tenant with many jobs would take most of the room that a waiting head leaves. Measured: Jain's index is 0.94
   * without this rule and at least 0.99 with it (docs/decisions/008-shares-and-overtaking.md).
   */
  collect(into: Waiting[], most: number, head: Waiting): void {
    const latest = this.#latestTag(head)
    let turns: Waiting[] = []
    for (let at = this.#waiting.first; at !== undefined && turns.length < most && at.key <= latest; at = at.next) {
      turns.push(at.item.first!)
    }
    while (turns.length > 0) {
      const next: Waiting[] = []
      for (const job of turns) {
        if (into.length >= most) return
        if (job !== head) into.push(job)
        if (job.after !== undefined) next.push(job.after)
      }
      turns = next
    }
  }

  /** Each tenant with jobs, and their number. */
  *counts(): Generator<[tenant: string | undefined, jobs: number]> {
    for (const [name, { load }] of this.#byName) if (load.jobs > 0) yield [name, load.jobs]
  }

  #latestTag(head: Waiting): number {
    if (this.#waiting.size === 1 || head.inList?.holder !== this.#holder) return Infinity
    const own = this.#of(head.tenant)
    const tag = own.place === undefined ? Math.max(own.tag, this.#virtualTime) : own.tag
    return tag + this.#fairness.shareOf(head.cost) / own.weight
  }

  #of(name: string | undefined): TenantShare {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const tenant = new TenantShare(this.#holder, this.#fairness.weightOf(name))
    this.#byName.set(name, tenant)
    return tenant
  }

  #advance(): void {
    const least = this.first?.tag
    if (least !== undefined && least > this.#virtualTime) this.#virtualTime = least
  }

  #setTag(tenant: TenantShare, tag: number): void {
    tenant.tag = tag
    if (tenant.place === undefined) return
    this.#waiting.remove(tenant.place)
    tenant.place = this.#waiting.add(tenant, tag)
  }

  #rest(tenant: TenantShare): void {
    this.#advance()
    this.#waiting.remove(tenant.place!)
    tenant.place = undefined
    if (this.#byName.size <= this.#forgetAbove) return
    // The virtual time has passed this tenant's tag, so it would return as a new tenant does.
    for (const [name, { place, tag }] of this.#byName) {
      if (place === undefined && tag <= this.#virtualTime) this.#byName.delete(name)
    }
    this.#forgetAbove = 2 * this.#byName.size + IDLE_TENANTS
  }
}
