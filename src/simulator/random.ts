/** A 32-bit number that depends on all bits of `value`. The constants are from the hash-prospector project. */
function mix(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return (x ^ (x >>> 15)) >>> 0
}

/**
 * A small seeded generator of pseudo-random numbers.
 *
 * Each request has its own, made from the simulator's seed and the request's number. The draws for one request do not
 * depend on the other requests.
 */
export class Random {
  #state: number

  constructor(seed: number, stream = 0) {
    this.#state = mix(mix(seed) + Math.imul(stream, 0x9e3779b9))
  }

  /** An integer from 0 to 2^32 − 1. */
  uint32(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    return mix(this.#state)
  }

  /** A number in [0, 1). */
  unit(): number {
    return this.uint32() / 4_294_967_296
  }

  /** A draw from the normal distribution with mean 0 and variance 1, by Box and Muller's method. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.unit())) * Math.cos(2 * Math.PI * this.unit())
  }

  /** A string in the form of a version 4 UUID. */
  uuid(): string {
    const hex = (): string => this.uint32().toString(16).padStart(8, '0')
    const [a, b, c, d] = [hex(), hex(), hex(), hex()]
    return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-a${c.slice(1, 4)}-${c.slice(4)}${d}`
  }
}

/** A 32-bit hash of `text`: FNV-1a, mixed once more. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mix(hash)
}
