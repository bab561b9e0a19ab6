import type { Cost } from '../types.js'
import { JobList, CostSum, type Waiting } from './job-list.js'
import { SkipList, type SkipListNode } from './skip-list.js'

/** The jobs of one tenant at one priority, and how far its share has brought it. */
export class TenantShare extends JobList {
  readonly weight: number
  /** The virtual time at which its next job is due: what it was charged, divided by its weight. */
  tag = 0
  /** Its tag when it last came back: what it gets back for earlier jobs gives it no more than that. */
  floor = 0
  place: SkipListNode<TenantShare> | undefined

  constructor(holder: object, weight: number) {
    super(holder)
    this.weight = weight
  }
}

/** What is known of tenants and of what their jobs take. */
export interface FairShareOptions {
  weightOf(tenant: string | undefined): number
  /** Which part of the scarcest minute a cost takes: its dominant share. */
  shareOf(cost: Cost): number
}

/** So many that have no jobs are remembered beside those that have. */
const IDLE_TENANTS = 64
/** For a prediction so many tenants are looked at. */
const MAX_TENANTS = 64

/**
 * Shares one priority among tenants by their weights: start-time fair queueing (Goyal, Vin and Cheng, 1996). Each tenant
 * has a tag, which grows with each of its jobs by the job's dominant share ÷ weight; the least tag is next. One that comes
 * back goes on at the least tag of those that wait, so it gains nothing from its absence.
 */
export class FairShare {
  readonly #holder: object
  readonly #fairness: FairShareOptions
  readonly #byName = new Map<string | undefined, TenantShare>()
  /** Those with jobs, by their tags. */
  readonly #waiting = new SkipList<TenantShare>()
  /** How far all have come: no tenant returns behind it. */
  #virtualTime = 0
  #forgetAbove = IDLE_TENANTS

  /** `holder`: what the lists are a part of. */
  constructor(holder: object, fairness: FairShareOptions) {
    this.#holder = holder
    this.#fairness = fairness
  }

  /** How many are remembered. */
  get known(): number {
    return this.#byName.size
  }

  /** Whose turn it is. */
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

  /** One of a tenant's jobs starts, and takes this share. */
  charge(name: string | undefined, share: number): void {
    this.#advance()
    const tenant = this.#of(name)
    if (tenant.place === undefined) tenant.tag = Math.max(tenant.tag, this.#virtualTime)
    this.#setTag(tenant, tenant.tag + share / tenant.weight)
  }

  /** One of its jobs took more than it was charged with, or less: `share` is the difference. */
  correct(name: string | undefined, share: number): void {
    const tenant = this.#byName.get(name)
    if (tenant !== undefined) this.#setTag(tenant, Math.max(tenant.floor, tenant.tag + share / tenant.weight))
  }

  /** Adds what is to start before a new job of a tenant: its own, and of the others what their shares let them start. */
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
      // The one whose turn it is goes before, however much it takes.
      others.count(other.load, Math.max(part, 1 / other.load.jobs))
    }
    // The others are taken to be like them.
    const all = this.#waiting.size - (own?.place === undefined ? 0 : 1)
    if (looked > 0) into.count(others, looked === MAX_TENANTS ? all / looked : 1)
  }

  /**
   * The jobs that may overtake `head`, in about the order of their turns: the first of each tenant, then the second of each.
   * A tenant that is ahead of the head's by more than the head takes may not: it would fill what the others wait for.
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

  /** Each with jobs, and how many. */
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
    // One that all others have passed comes back as a new one would.
    for (const [name, { place, tag }] of this.#byName) {
      if (place === undefined && tag <= this.#virtualTime) this.#byName.delete(name)
    }
    this.#forgetAbove = 2 * this.#byName.size + IDLE_TENANTS
  }
}
