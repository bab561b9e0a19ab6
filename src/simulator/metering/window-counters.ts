import { Counter, firstAfter } from './counter.js'
import type { Posting } from './counter.js'

/** A sliding window that stores every posting. A posting at `t` counts while `0 ≤ now − t < windowMs`. */
export class SlidingWindowCounter extends Counter {
  #log: Posting[] = []
  #head = 0
  #sum = 0

  override used(now: number): number {
    const { windowMs } = this.spec
    let oldest = this.#log[this.#head]
    while (oldest !== undefined && now - oldest.at >= windowMs) {
      this.#sum -= oldest.amount
      this.#head += 1
      oldest = this.#log[this.#head]
    }
    if (this.#head > 1024 && this.#head * 2 > this.#log.length) {
      this.#log = this.#log.slice(this.#head)
      this.#head = 0
    }
    return this.#sum
  }

  override post(amount: number, now: number): Posting {
    const posting = { at: now, amount }
    this.used(now)
    this.#log.push(posting)
    this.#sum += amount
    this.seen(this.#sum)
    return posting
  }

  override correct(posting: Posting, amount: number, now: number): void {
    this.used(now)
    if (now - posting.at >= this.spec.windowMs) return
    this.#sum += amount - posting.amount
    posting.amount = amount
    this.seen(this.#sum)
  }

  override fallsTo(level: number, now: number): number {
    const { windowMs } = this.spec
    let sum = this.used(now)
    for (let i = this.#head; sum > level; i += 1) {
      const posting = this.#log[i]
      if (posting === undefined) return Infinity
      sum -= posting.amount
      if (sum > level) continue
      return firstAfter(now, posting.at + windowMs, (time) => time - posting.at >= windowMs)
    }
    return now
  }
}

/** Consecutive fixed windows from `origin` on. Each begins at zero, so an excess ends with its window. */
export class FixedWindowCounter extends Counter {
  #window = -Infinity
  #sum = 0

  override used(now: number): number {
    const window = this.#windowOf(now)
    if (window !== this.#window) {
      this.#window = window
      this.#sum = 0
    }
    return this.#sum
  }

  override post(amount: number, now: number): Posting {
    this.#sum = this.used(now) + amount
    this.seen(this.#sum)
    return { at: now, amount }
  }

  override correct(posting: Posting, amount: number, now: number): void {
    const used = this.used(now)
    if (this.#windowOf(posting.at) !== this.#window) return
    this.#sum = used + amount - posting.amount
    posting.amount = amount
    this.seen(this.#sum)
  }

  override fallsTo(level: number, now: number): number {
    if (this.used(now) <= level) return now
    if (level < 0) return Infinity
    const end = this.spec.origin + (this.#window + 1) * this.spec.windowMs
    return firstAfter(now, end, (time) => this.#windowOf(time) !== this.#window)
  }

  #windowOf(time: number): number {
    return Math.floor((time - this.spec.origin) / this.spec.windowMs)
  }
}
