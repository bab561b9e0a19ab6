/** The rank of a sentence's end: only the sentence ends, or its line (1) or its paragraph (2) ends too. */
export const SENTENCE = 0
export const LINE = 1
export const PARAGRAPH = 2

/**
 * UTF-16 code units that the segmenter processes at once. Chosen. Its time grows with the square of the length.
 * A larger value is slower. A smaller value splits more long sentences into a second pass.
 */
const CHUNK = 4096
/**
 * UTF-16 code units after a sentence that must be visible before its end counts. Chosen. The end may depend on the text after it.
 * A smaller value finds false ends. A larger value makes each pass longer.
 */
const LOOK_AHEAD = 64

/** The beginning of a line that continues the line before. A list item, a heading or a line of code does not match. */
const GOES_ON = /^(?!\d+[.)]\s)[\p{L}\p{M}\p{N}\p{Ps}\p{Pi}"'’»¿¡]/u

/**
 * Finds the ends of the sentences of a text, lazily. White space after a sentence belongs to it.
 *
 * A line break alone does not end a sentence, because many texts have lines of a fixed width. It does if the next line is
 * indented or begins with punctuation. An empty line always ends a sentence.
 */
export class Sentences {
  readonly #text: string
  readonly #unwrapped: string
  readonly #segmenter: Intl.Segmenter
  readonly #ends: number[] = []
  #scanned = 0

  constructor(text: string, locale: string) {
    this.#text = text
    this.#unwrapped = unwrapped(text)
    this.#segmenter = new Intl.Segmenter(locale, { granularity: 'sentence' })
  }

  /** Returns the first end after `position`, or Infinity at the end of the text. */
  after(position: number): number {
    this.#scan(position)
    return this.#ends[this.#countUpTo(position)] ?? Infinity
  }

  /** Returns the last end at or before `position`, or 0. */
  atOrBefore(position: number): number {
    this.#scan(position)
    return this.#ends[this.#countUpTo(position) - 1] ?? 0
  }

  /** Returns the rank of the sentence end at `position`. */
  rankAt(position: number): number {
    let breaks = 0
    for (let index = position - 1; index >= 0 && breaks < 2; index--) {
      const code = this.#text.charCodeAt(index)
      if (code === 0x2029) return PARAGRAPH
      if (code === 10) breaks++
      else if (code !== 13 && code !== 32 && code !== 9) break
    }
    return breaks
  }

  #countUpTo(position: number): number {
    let low = 0
    let high = this.#ends.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#ends[middle]! <= position) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Scans until an end after `position` is known. */
  #scan(position: number): void {
    let size = CHUNK
    while (this.#scanned < this.#text.length && (this.#ends.at(-1) ?? 0) <= position) {
      const before = this.#scanned
      this.#scanChunk(before, size)
      size = this.#scanned === before ? 2 * size : CHUNK
    }
  }

  /** Scans one chunk. From a chunk larger than usual it uses only the first sentence. */
  #scanChunk(start: number, size: number): void {
    const isLast = start + size >= this.#text.length
    const certain = isLast ? this.#text.length : start + size - LOOK_AHEAD
    for (const { index, segment } of this.#segmenter.segment(this.#unwrapped.slice(start, start + size))) {
      const end = start + index + segment.length
      if (end > certain) return
      this.#scanned = end
      const next = this.#text.charCodeAt(end)
      if (next !== 10 && next !== 13) this.#ends.push(end)
      if (size > CHUNK) return
    }
  }
}

/** Returns `text` with spaces for line breaks within sentences, and for all but the last of several. Its length is the same. */
function unwrapped(text: string): string {
  return text.replace(/\r?\n\s*/g, (run: string, offset: number) => {
    const next = offset + run.length
    const isSingle = run === '\n' || run === '\r\n'
    const kept = isSingle && GOES_ON.test(text.slice(next, next + 16)) ? run.length : run.lastIndexOf('\n')
    return ' '.repeat(kept) + run.slice(kept)
  })
}
