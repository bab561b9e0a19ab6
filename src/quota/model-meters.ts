import type { Cost, Limits, OutputAccounting, Profile } from '../types.js'
import type { Never } from './admission-result.js'
import { type ClockPhase, phaseInUs, type PhaseUs } from './clock-phase.js'
import { type Amounts, amountsOfNothing, isWithin, readAmounts, REQUESTS } from './dimensions.js'
import { GeneratedOutputMeter } from './late-output/generated-output-meter.js'
import { InFlightOutput } from './late-output/in-flight-output.js'
import { LateOutputMeter } from './late-output/late-output-meter.js'
import { type LimitRule, limitRules } from './limit-rules.js'
import { Meter } from './meter.js'
import { toUs } from './microseconds.js'

/** The limits of a model, and how its service counts. */
export interface ModelGateOptions {
  readonly limits: Limits
  readonly profile: Profile
  /** J, in ms. */
  readonly networkJitterMs: number
  /** The phase of the service's clock, if it is known. */
  readonly phase?: ClockPhase | undefined
  /** Since when nothing ran, in the clock's ms, as far as is known. Buckets fill from then on. */
  readonly idleSince: number
}

/**
 * All meters of one model: one for each limit that binds, charged together. A meter stays, with its charges, for as long as its
 * limit does. This also is where the time and the numbers of the charges come from.
 */
export class ModelMeters {
  readonly #profile: Profile
  #networkJitterMs: number
  #phase: PhaseUs | undefined
  #outputAccounting: OutputAccounting | undefined
  #limits: Limits = {}
  #configured: Limits = {}
  #concurrency = Infinity
  #all: Meter[] = []
  #late: readonly LateOutputMeter[] = []
  #inFlightOutput: InFlightOutput | undefined
  /** The largest amount that can ever pass in each dimension, by the smallest of its limits. */
  readonly #largest = amountsOfNothing()
  /** For one cost after another. */
  readonly #amounts = amountsOfNothing()
  #seq = 0
  #nowUs: number

  constructor(options: ModelGateOptions, now: number) {
    const { outputAccounting } = options.profile
    this.#profile = options.profile
    this.#outputAccounting = outputAccounting === 'learn' ? undefined : outputAccounting
    this.#networkJitterMs = options.networkJitterMs
    this.#phase = phaseInUs(options.phase)
    this.#nowUs = toUs(now)
    this.#apply(options.limits, options.limits, toUs(options.idleSince))
  }

  get all(): readonly Meter[] {
    return this.#all
  }

  /** Those that count output after its request. */
  get late(): readonly LateOutputMeter[] {
    return this.#late
  }

  /** The output of the answers in flight. Undefined where no meter counts output as it is written. */
  get inFlightOutput(): InFlightOutput | undefined {
    return this.#inFlightOutput
  }

  get outputAccounting(): OutputAccounting | undefined {
    return this.#outputAccounting
  }

  get limits(): Limits {
    return this.#limits
  }

  get concurrency(): number {
    return this.#concurrency
  }

  /** The number of a new charge. */
  nextSeq(): number {
    return ++this.#seq
  }

  /** The time in µs. It never runs backward, whatever the caller says. */
  advance(now: number): number {
    const nowUs = toUs(now)
    if (nowUs > this.#nowUs) {
      this.#nowUs = nowUs
      this.#inFlightOutput?.advance(nowUs, this.#chargeGenerated)
    }
    return this.#nowUs
  }

  /** Whether all meters are certain to have room now. If not, {@link earliestUs} says. */
  hasRoom(amounts: Amounts, nowUs: number): boolean {
    for (const meter of this.#all) {
      const amount = amounts[meter.dimension]!
      if (amount !== 0 && !meter.hasRoom(amount, nowUs)) return false
    }
    return true
  }

  /** When all have room, `fromUs` at the earliest. Infinity if one never has. */
  earliestUs(amounts: Amounts, fromUs: number, nowUs: number): number {
    let at = fromUs
    for (const meter of this.#all) {
      const amount = amounts[meter.dimension]!
      if (amount === 0) continue
      const earliest = meter.earliestUs(amount, nowUs)
      if (earliest > at) at = earliest
    }
    return at
  }

  /** When all have room if `ahead` is charged before, each part of it as soon as it may. */
  afterUs(ahead: Amounts, amounts: Amounts, nowUs: number): number {
    let at = nowUs
    for (const meter of this.#all) {
      const after = meter.afterUs(ahead[meter.dimension]!, amounts[meter.dimension]!, nowUs, ahead[REQUESTS]!)
      if (after > at) at = after
    }
    return at
  }

  /** Charges all meters. The number of the charge. */
  charge(amounts: Amounts, nowUs: number): number {
    const seq = ++this.#seq
    for (const meter of this.#all) {
      const amount = amounts[meter.dimension]!
      if (amount > 0) meter.charge(amount, nowUs, seq)
    }
    return seq
  }

  /** Leaves the buckets that `empties` names empty at `untilUs`. */
  emptyUntil(untilUs: number, empties: 'requests' | 'tokens' | 'all', nowUs: number): void {
    for (const meter of this.#all) {
      if (empties === 'all' || (meter.dimension === REQUESTS) === (empties === 'requests')) {
        meter.emptyUntil(untilUs, nowUs, this.#seq)
      }
    }
  }

  impossible(cost: Cost): Never | undefined {
    if (isWithin(cost, this.#largest)) return undefined
    const amounts = readAmounts(cost, this.#amounts)
    for (const { dimension, largest, rule } of this.#all) {
      const amount = amounts[dimension]!
      if (amount > largest) return { kind: 'never', limit: rule.limit, effective: rule.effective, amount }
    }
    return undefined
  }

  mostOutput(inputTokens: number): number {
    const { tpm = Infinity, outputTpm = Infinity } = this.#configured
    return Math.max(0, Math.min(tpm - inputTokens, outputTpm))
  }

  shareOf(cost: Cost): number {
    if (this.#all.length === 0) return cost.requests
    const amounts = readAmounts(cost, this.#amounts)
    let share = 0
    for (const meter of this.#all) share = Math.max(share, amounts[meter.dimension]! / meter.perMinute)
    return share
  }

  setLimits(limits: Limits, configured: Limits, nowUs: number): void {
    this.#apply(limits, configured, nowUs)
  }

  setOutputAccounting(outputAccounting: OutputAccounting, nowUs: number): void {
    this.#outputAccounting = outputAccounting
    this.#apply(this.#limits, this.#configured, nowUs)
  }

  setNetworkJitter(networkJitterMs: number, nowUs: number): void {
    this.#networkJitterMs = networkJitterMs
    this.#apply(this.#limits, this.#configured, nowUs)
  }

  setClockPhase(phase: ClockPhase | undefined, nowUs: number): void {
    this.#phase = phaseInUs(phase)
    for (const meter of this.#all) meter.setClockPhase(this.#phase, nowUs)
  }

  /** Makes the meters anew for these limits. A meter whose limit goes on stays; the bucket of a new one starts empty. */
  #apply(limits: Limits, configured: Limits, emptySinceUs: number): void {
    this.#limits = limits
    this.#configured = configured
    this.#concurrency = limits.concurrency ?? Infinity
    const rules = limitRules(limits, this.#profile, this.#outputAccounting, this.#networkJitterMs, configured)
    const isGenerated = rules.some(({ countsOutput }) => countsOutput === 'generated')
    this.#inFlightOutput = isGenerated ? (this.#inFlightOutput ?? new InFlightOutput()) : undefined
    this.#all = rules.map((rule) => {
      const kept = this.#all.find((meter) => meter.fits(rule))
      if (kept === undefined) return this.#meterOf(rule, emptySinceUs)
      kept.setRule(rule, this.#nowUs, this.#seq)
      return kept
    })
    this.#late = this.#all.filter((meter) => meter instanceof LateOutputMeter)
    this.#largest.fill(Infinity)
    for (const { dimension, largest } of this.#all) {
      if (largest < this.#largest[dimension]!) this.#largest[dimension] = largest
    }
  }

  #meterOf(rule: LimitRule, emptySinceUs: number): Meter {
    const meter = this.#emptyMeterOf(rule, emptySinceUs)
    meter.setClockPhase(this.#phase, this.#nowUs)
    // The same limit, counted otherwise: what it held still counts.
    const before = this.#all.find((each) => each.rule.limit === rule.limit && each.rule.effective === rule.effective)
    const used = before?.used(this.#nowUs) ?? 0
    if (used > 0) meter.charge(used, this.#nowUs, ++this.#seq)
    return meter
  }

  #emptyMeterOf(rule: LimitRule, emptySinceUs: number): Meter {
    const firstSeq = this.#seq + 1
    switch (rule.countsOutput) {
      case 'first':
        return new Meter(rule, emptySinceUs, this.#nowUs, firstSeq)
      case 'late':
        return new LateOutputMeter(rule, emptySinceUs, this.#nowUs, firstSeq)
      case 'generated':
        return new GeneratedOutputMeter(rule, emptySinceUs, this.#nowUs, firstSeq, this.#inFlightOutput!)
    }
  }

  readonly #chargeGenerated = (tokens: number, atUs: number): void => {
    const seq = ++this.#seq
    for (const meter of this.#late) meter.chargeLate(meter.bounded(tokens, 0, atUs), atUs, seq)
  }
}
