import { InFlightOutput } from '../quota/late-output/in-flight-output.js'
import type { OutputAccounting } from '../types.js'

/** In this order where refusals do not tell them apart. */
const WAYS: readonly OutputAccounting[] = ['generated', 'completion', 'reserved']
const GENERATED = 0
const COMPLETION = 1
const RESERVED = 2

const BIN_MS = 50
const BINS = 64
/** The second and what may lie on either side of it: its delays, and what is heard late. */
const BINS_BEFORE = 21
const BINS_AFTER = 2
/** So much of the limit has to be there for a refusal to be explained: paces and delays are estimates. */
const FULL_SHARE = 0.93
/** A service that passes a request on top of more than this does not count so. A fixed window may pass some. */
const CONTRADICTED_SHARE = 1.3
/** So much longer than any refusal takes: by then the request was taken. */
const TAKEN_AFTER_MS = 500
/** What an acceptance tells, where a refusal tells 1: less, for how the windows lie is not known. */
const ACCEPTED_WEIGHT = 0.1
/** By so much another way has to explain more before it is taken instead. */
const MIN_LEAD = 1
/** Older refusals fade. */
const FADES = 0.97

/** Before the first refusal so much of what happens is only noted: most services never refuse, and pay for no more than that. */
const MAX_NOTED = 256
const NOTE = 5
const IS_END = -1

interface Sent {
  readonly at: number
  readonly first: number
  readonly most: number
}

/**
 * Finds out when a service counts the tokens of answers: for each way that there is, what the service's second would hold is
 * counted along, and a refusal speaks against the ways by which there was room, an acceptance against those by which there
 * was none. Of how the seconds are counted nothing is assumed: windows and buckets are looked at, and the fuller one believed.
 */
export class OutputAccountingEstimator {
  #origin: 'configured' | 'learned' | 'default' = 'default'
  #way: OutputAccounting | undefined
  #hasWritten = false
  readonly #learns: boolean
  readonly #scores = [0, 0, 0]
  readonly #seconds = WAYS.map(() => new Second())
  readonly #generation = new InFlightOutput()
  /** Sent, and not yet known to be taken; the oldest first. */
  #open: Sent[] = []
  /** What was noted, in a ring; undefined: all is followed. Five numbers each: `at`, when it was sent, `first`, `most`, `writes`. */
  #notes: number[] | undefined = []
  #noted = 0

  /** `configured`: what the profile says. */
  constructor(configured: OutputAccounting | 'learn' | undefined) {
    this.#learns = configured === undefined || configured === 'learn'
    this.#way = configured === 'learn' ? undefined : configured
    if (!this.#learns) this.#origin = 'configured'
  }

  /** Undefined: not known yet. */
  get way(): OutputAccounting | undefined {
    return this.#way
  }

  get origin(): 'configured' | 'learned' | 'default' {
    return this.#origin
  }

  /** Whether an answer of unknown length was ever asked for. */
  get hasWritten(): boolean {
    return this.#hasWritten
  }

  /** A request was sent at `at` (ms), of `first` tokens at once and `most` with all that its answer may have. */
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

  /** The answer to what was sent at `sentAt` ended at `now`; with how many tokens nobody may know. */
  ended(sentAt: number, now: number, outputTokens: number | undefined, tokensPerSecond: number): void {
    if (!this.#learns) return
    if (this.#notes !== undefined) return this.#note(this.#notes, now, sentAt, IS_END, outputTokens ?? -1, 0)
    this.#advance(now, tokensPerSecond)
    this.#generation.ended(Math.round(sentAt * 1000), Math.round(now * 1000), outputTokens)
    if (outputTokens !== undefined) this.#charge(COMPLETION, now, outputTokens, tokensPerSecond)
  }

  /** What was sent at `sentAt` was refused for its tokens. To be called before it has {@link ended}. */
  refused(sentAt: number, first: number, most: number, writes: boolean, now: number, tokensPerSecond: number): void {
    if (!this.#learns) return
    if (this.#notes !== undefined) this.#follow(this.#notes, tokensPerSecond)
    this.#advance(now, tokensPerSecond)
    const index = this.#open.findIndex((each) => each.at === sentAt && each.first === first)
    if (index >= 0) this.#open.splice(index, 1)
    // One that goes alone is refused for what is in the window at all. Where totals are known, it is the limits that are not.
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

  /** Takes in what was noted; from now on everything is as it happens. */
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
    // What explains nothing yet is no better than what is assumed without it.
    if (known === undefined ? this.#scores[best]! <= -MIN_LEAD : this.#scores[best]! < known + MIN_LEAD) return
    this.#way = WAYS[best]
    this.#origin = 'learned'
  }

  /** A request was taken: that speaks against the ways by which its second was full. */
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

/** What a second holds, in steps of {@link BIN_MS} ms over the last three seconds; and a bucket of its size. */
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

  /** The most that the second of a request may have held that was sent at `at`, itself included. */
  around(at: number, now: number, tokensPerSecond: number): number {
    const bin = Math.floor(at / BIN_MS)
    return Math.max(this.#sum(bin - BINS_BEFORE, bin + BINS_AFTER), this.#owedBy(now, tokensPerSecond))
  }

  /** The least that it held with it, where windows slide. */
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
