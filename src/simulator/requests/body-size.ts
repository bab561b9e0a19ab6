/** The largest size of a body, in bytes. */
export interface BodyBounds {
  /** Without its base64 data. */
  readonly plain: number
  /** With its base64 data. */
  readonly total: number
}

const MARK = Buffer.from(';base64,')
const QUOTE = '"'.charCodeAt(0)

/**
 * Measures a body while it arrives. Base64 data is the text after `;base64,` up to the end of its string, as in the
 * data URLs of images and sounds. While the whole body is within the smaller bound, its contents are not read.
 */
export class BodySize {
  readonly #bounds: BodyBounds
  /** The parts whose contents were not read yet. */
  #unread: Buffer[] = []
  #total = 0
  #plain = 0
  /** How many bytes of the mark were just matched. All of them: the reader is inside base64 data. */
  #matched = 0

  constructor(bounds: BodyBounds) {
    this.#bounds = bounds
  }

  /** Adds the next part of the body. Returns the bound that the body now exceeds, or undefined. */
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
      // The mark's first byte appears only once in it. A mismatch can only be the beginning of a new match.
      if (isInside) this.#matched = 0
      else if (byte === MARK[this.#matched]) this.#matched += 1
      else this.#matched = byte === MARK[0] ? 1 : 0
    }
  }
}
