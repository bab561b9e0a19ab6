/** Spreads the bits of a 32-bit number over all 32. */
function mix(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return (x ^ (x >>> 15)) >>> 0
}

/**
 * A small seeded generator. One is made for each request from the simulator's seed and the request's number, so that
 * what a request is answered does not depend on what the others drew.
 */
export class Random {
  #state: number

  constructor(seed: number, stream = 0) {
    this.#state = mix(mix(seed) + Math.imul(stream, 0x9e3779b9))
  }

  /** A whole number from 0 to 2^32 − 1. */
  uint32(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    return mix(this.#state)
  }

  /** A number in [0, 1). */
  unit(): number {
    return this.uint32() / 4_294_967_296
  }

  /** A draw of the normal distribution with mean 0 and variance 1 (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.unit())) * Math.cos(2 * Math.PI * this.unit())
  }

  /** Something of the form of a version 4 UUID. */
  uuid(): string {
    const hex = (): string => this.uint32().toString(16).padStart(8, '0')
    const [a, b, c, d] = [hex(), hex(), hex(), hex()]
    return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-a${c.slice(1, 4)}-${c.slice(4)}${d}`
  }
}

/** A 32-bit number that stands for `text`. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mix(hash)
}
