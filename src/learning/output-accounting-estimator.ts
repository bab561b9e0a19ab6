import { InFlightOutput } from '../quota/late-output/in-flight-output.js'
import type { OutputAccounting } from '../types.js'

/** The order of preference while refusals do not distinguish them. */
const WAYS: readonly OutputAccounting[] = ['generated', 'completion', 'reserved']
const GENERATED = 0
const COMPLETION = 1
const RESERVED = 2

/** The width of a bin, in ms. Chosen; it equals the default J. Wider bins blur the second; narrower ones cost memory and time. */
const BIN_MS = 50
/** The bins that are kept: 3.2 s. Chosen. Fewer lose output that is recorded late; more cost memory only. */
const BINS = 64
/**
 * Bins before and after the request's own that its second may include. Derived: 21 × 50 ms are 1 s + the default J. Two more
 * bins cover output that is recorded late.
 * More bins explain refusals by tokens that the service did not count. Fewer miss tokens that it did.
 */
const BINS_BEFORE = 21
const BINS_AFTER = 2
/**
 * The fraction of the per-second limit that explains a refusal. It is below 1, because output speeds and delays are estimates.
 * Chosen. Larger rejects the true way for a small error; smaller lets every way explain the refusal.
 */
const FULL_SHARE = 0.93
/**
 * A service that accepts a request on top of more than this fraction does not count this way. A fixed window may accept some
 * excess. Chosen. Smaller contradicts the true way at fixed windows; larger contradicts no way.
 */
const CONTRADICTED_SHARE = 1.3
/**
 * After this time without a refusal, in ms, a request counts as accepted. Chosen to be longer than a refusal takes. Shorter
 * counts slow refusals as acceptances; longer keeps more requests in memory.
 */
const TAKEN_AFTER_MS = 500
/**
 * The weight of an acceptance, where a refusal weighs 1. It is smaller, because the phase of the windows is unknown. Chosen.
 * Larger lets fixed windows contradict the true way; smaller makes acceptances useless.
 */
const ACCEPTED_WEIGHT = 0.1
/**
 * The lead in score that another way needs to replace the current one: one refusal. Chosen. Smaller alternates between ways;
 * larger keeps a wrong way for more 429s.
 */
const MIN_LEAD = 1
/**
 * The factor on old scores at each refusal. Chosen: 23 refusals halve a score. Larger follows a change of the service
 * more slowly; smaller decides by a few refusals.
 */
const FADES = 0.97

/**
 * The events that are kept until the first refusal. Most services never refuse, and then this ring is the only cost. Chosen.
 * More cost memory for each model; fewer leave the first refusal unexplained at high rates.
 */
const MAX_NOTED = 256
const NOTE = 5
const IS_END = -1

interface Sent {
  readonly at: number
  readonly first: number
  readonly most: number
}

/**
 * Learns when a service counts the tokens of answers (decision 012). For each of the three ways, it computes the tokens that
 * the service's second would hold.
 *
 * A refusal counts against the ways with room left. An acceptance counts against the ways without room. The kind of the
 * service's windows is not assumed: the fuller one of window and bucket decides.
 */
export class OutputAccountingEstimator {
  #origin: 'configured' | 'learned' | 'default' = 'default'
  #way: OutputAccounting | undefined
  #hasWritten = false
  readonly #learns: boolean
  readonly #scores = [0, 0, 0]
  readonly #seconds = WAYS.map(() => new Second())
  readonly #generation = new InFlightOutput()
  /** Sent requests that are not yet known to be accepted, oldest first. */
  #open: Sent[] = []
  /**
   * The ring of events before the first refusal; undefined afterwards. Five numbers each: `at`, the send time, `first`, `most`,
   * `writes`.
   */
  #notes: number[] | undefined = []
  #noted = 0

  /** `configured`: the profile's `outputAccounting`. */
  constructor(configured: OutputAccounting | 'learn' | undefined) {
    this.#learns = configured === undefined || configured === 'learn'
    this.#way = configured === 'learn' ? undefined : configured
    if (!this.#learns) this.#origin = 'configured'
  }

  /** The way that is configured or learned; undefined while it is unknown. */
  get way(): OutputAccounting | undefined {
    return this.#way
  }

  get origin(): 'configured' | 'learned' | 'default' {
    return this.#origin
  }

  /** Whether any request asked for an answer of unknown length. */
  get hasWritten(): boolean {
    return this.#hasWritten
  }

  /**
   * Records a request that was sent at `at` (ms). `first`: its tokens at the send time. `most`: its tokens with the longest
   * possible output.
   */
  sent(at: number, first: number, most: number, writes: boolean, tokensPerSecond: number): void {
    if (!this.#learns) return
    if (writes) this.#hasWritten = true
    if (this.#notes !== undefined) return this.#note(this.#notes, at, at, first, most, writes ? 1 : 0)
    this.#advance(at, tokensPerSecond)
    this.#charge(GENERATED, at, first, tokensPerSecond)
    this.#charge(COMPLETION, at, first, tokensPerSecond)
    this.#charge(RESERVED, at, most, tokensPerSecond)
    if (writes) this.#generation.began(Math.round(at * 1000))
    this.#open.push({ at, first, most })
    while (this.#open[0]!.at < at - TAKEN_AFTER_MS) this.#taken(this.#open.shift()!, tokensPerSecond)
  }

  /**
   * Records the end of the answer to the request that was sent at `sentAt`. `outputTokens` is undefined if the length is
   * unknown.
   */
  ended(sentAt: number, now: number, outputTokens: number | undefined, tokensPerSecond: number): void {
    if (!this.#learns) return
    if (this.#notes !== undefined) return this.#note(this.#notes, now, sentAt, IS_END, outputTokens ?? -1, 0)
    this.#advance(now, tokensPerSecond)
    this.#generation.ended(Math.round(sentAt * 1000), Math.round(now * 1000), outputTokens)
    if (outputTokens !== undefined) this.#charge(COMPLETION, now, outputTokens, tokensPerSecond)
  }

  /** Records a token refusal of the request that was sent at `sentAt`. Must be called before {@link ended}. */
  refused(sentAt: number, first: number, most: number, writes: boolean, now: number, tokensPerSecond: number): void {
    if (!this.#learns) return
    if (this.#notes !== undefined) this.#follow(this.#notes, tokensPerSecond)
    this.#advance(now, tokensPerSecond)
    const index = this.#open.findIndex((each) => each.at === sentAt && each.first === first)
    if (index >= 0) this.#open.splice(index, 1)
    // A request above the per-second limit is refused for any token in the window. If all lengths are known, the limit is
    // wrong, not the accounting.
    const isTelling = writes && first <= tokensPerSecond
    for (const [way, second] of this.#seconds.entries()) {
      if (isTelling) {
        const isExplained = second.around(sentAt, now, tokensPerSecond) >= FULL_SHARE * tokensPerSecond
        this.#scores[way] = FADES * (this.#scores[way] ?? 0) - (isExplained ? 0 : 1)
      }
      second.charge(sentAt, -(way === RESERVED ? most : first), tokensPerSecond)
    }
    if (isTelling) this.#choose()
  }

  #note(notes: number[], at: number, sentAt: number, first: number, most: number, writes: number): void {
    let next = (this.#noted++ * NOTE) % (MAX_NOTED * NOTE)
    notes[next++] = at
    notes[next++] = sentAt
    notes[next++] = first
    notes[next++] = most
    notes[next] = writes
  }

  /** Replays the noted events. From now on events are processed at once. */
  #follow(notes: readonly number[], tokensPerSecond: number): void {
    this.#notes = undefined
    for (let note = Math.max(0, this.#noted - MAX_NOTED); note < this.#noted; note++) {
      const from = (note * NOTE) % (MAX_NOTED * NOTE)
      const [at, sentAt, first, most, writes] = notes.slice(from, from + NOTE) as [
        number,
        number,
        number,
        number,
        number,
      ]
      if (first !== IS_END) this.sent(at, first, most, writes === 1, tokensPerSecond)
      else this.ended(sentAt, at, most < 0 ? undefined : most, tokensPerSecond)
    }
  }

  #choose(): void {
    let best = 0
    for (const way of [COMPLETION, RESERVED]) if (this.#scores[way]! > this.#scores[best]!) best = way
    const known = this.#way === undefined ? undefined : this.#scores[WAYS.indexOf(this.#way)]!
    // A way that explains nothing yet is no better than the default.
    if (known === undefined ? this.#scores[best]! <= -MIN_LEAD : this.#scores[best]! < known + MIN_LEAD) return
    this.#way = WAYS[best]
    this.#origin = 'learned'
  }

  /** Records an acceptance. It counts against the ways by which the second was full. */
  #taken({ at, first }: Sent, tokensPerSecond: number): void {
    if (first > tokensPerSecond) return
    for (const [way, second] of this.#seconds.entries()) {
      if (second.before(at) > CONTRADICTED_SHARE * tokensPerSecond) this.#scores[way]! -= ACCEPTED_WEIGHT
    }
  }

  #charge(way: number, at: number, tokens: number, tokensPerSecond: number): void {
    this.#seconds[way]!.charge(at, tokens, tokensPerSecond)
  }

  #advance(now: number, tokensPerSecond: number): void {
    this.#generation.advance(Math.round(now * 1000), (tokens, atUs) => {
      this.#charge(GENERATED, atUs / 1000, tokens, tokensPerSecond)
    })
  }
}

/**
 * The tokens of one second, by one way: a window of {@link BIN_MS} ms bins over the last three seconds, and a bucket of one
 * second's limit.
 */
class Second {
  readonly #tokens = new Float64Array(BINS)
  readonly #bins = new Float64Array(BINS).fill(-1)
  #owed = 0
  #owedAt = 0

  charge(at: number, tokens: number, tokensPerSecond: number): void {
    const bin = Math.floor(at / BIN_MS)
    const index = bin % BINS
    if (this.#bins[index]! < bin) {
      this.#bins[index] = bin
      this.#tokens[index] = 0
    }
    if (this.#bins[index] === bin) this.#tokens[index]! += tokens
    this.#owed = Math.max(0, this.#owedBy(Math.max(at, this.#owedAt), tokensPerSecond) + tokens)
    this.#owedAt = Math.max(at, this.#owedAt)
  }

  /** The most tokens that the second of a request sent at `at` may hold, the request included. */
  around(at: number, now: number, tokensPerSecond: number): number {
    const bin = Math.floor(at / BIN_MS)
    return Math.max(this.#sum(bin - BINS_BEFORE, bin + BINS_AFTER), this.#owedBy(now, tokensPerSecond))
  }

  /** The fewest tokens that a sliding second holds at `at`, the request included. */
  before(at: number): number {
    const bin = Math.floor(at / BIN_MS)
    return this.#sum(bin - BINS_BEFORE + 4, bin)
  }

  #sum(from: number, to: number): number {
    let sum = 0
    for (let bin = from; bin <= to; bin++) {
      const index = ((bin % BINS) + BINS) % BINS
      if (this.#bins[index] === bin) sum += this.#tokens[index]!
    }
    return sum
  }

  #owedBy(now: number, tokensPerSecond: number): number {
    return Math.max(0, this.#owed - ((now - this.#owedAt) * tokensPerSecond) / 1000)
  }
}
