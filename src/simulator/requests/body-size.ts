/** How large a body may be, in bytes. */
export interface BodyBounds {
  /** Without what it has in base64. */
  readonly plain: number
  /** With it. */
  readonly total: number
}

const MARK = Buffer.from(';base64,')
const QUOTE = '"'.charCodeAt(0)

/**
 * Measures a body as it comes in. What counts as base64 is what follows `;base64,` up to the end of its string, as the data
 * URLs of images and sounds have it. As long as the whole is within the smaller bound it is not looked into.
 */
export class BodySize {
  readonly #bounds: BodyBounds
  /** What came in before it had to be looked into. */
  #unread: Buffer[] = []
  #total = 0
  #plain = 0
  /** How much of the mark was just read; all of it within base64. */
  #matched = 0

  constructor(bounds: BodyBounds) {
    this.#bounds = bounds
  }

  /** Takes the next part. The bound that the body is now above, or undefined while it is within both. */
  add(part: Buffer): number | undefined {
    const { plain, total } = this.#bounds
    this.#total += part.length
    if (this.#total > total) return total
    this.#unread.push(part)
    if (this.#total <= plain) return undefined
    for (const unread of this.#unread) this.#read(unread)
    this.#unread = []
    return this.#plain > plain ? plain : undefined
  }

  #read(part: Buffer): void {
    for (const byte of part) {
      const isInside = this.#matched === MARK.length
      if (isInside && byte !== QUOTE) continue
      this.#plain += 1
      // The mark's first byte is nowhere else in it, so a mismatch begins anew at most with this byte.
      if (isInside) this.#matched = 0
      else if (byte === MARK[this.#matched]) this.#matched += 1
      else this.#matched = byte === MARK[0] ? 1 : 0
    }
  }
}
