/** What ends with a sentence: nothing more, its line, its paragraph. */
export const SENTENCE = 0
export const LINE = 1
export const PARAGRAPH = 2

/** The segmenter takes time that grows with the square of what it is given: it is given this much at a time. */
const CHUNK = 4096
/** Whether a sentence ends may depend on what follows it. */
const LOOK_AHEAD = 64

/** A line that goes on in the next one; not a list's item, a heading, a line of code. */
const GOES_ON = /^(?!\d+[.)]\s)[\p{L}\p{M}\p{N}\p{Ps}\p{Pi}"'’»¿¡]/u

/**
 * Where the sentences of a text end, with the white space after them. They are found as they are asked for. A line break
 * alone ends no sentence, since many texts have lines of a fixed width, unless the next line is indented or begins with a sign; an
 * empty line always does.
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

  /** The first end after `position`; Infinity where the text has ended. */
  after(position: number): number {
    this.#scan(position)
    return this.#ends[this.#countUpTo(position)] ?? Infinity
  }

  /** The last end that is not after `position`; 0 where there is none. */
  atOrBefore(position: number): number {
    this.#scan(position)
    return this.#ends[this.#countUpTo(position) - 1] ?? 0
  }

  /** What ends at the sentence's end `position`. */
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

  /** Of a chunk larger than usual only its first sentence is taken. */
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

/** `text` with spaces for the line breaks within sentences, and for all but the last of several; as long as before. */
function unwrapped(text: string): string {
  return text.replace(/\r?\n\s*/g, (run: string, offset: number) => {
    const next = offset + run.length
    const isSingle = run === '\n' || run === '\r\n'
    const kept = isSingle && GOES_ON.test(text.slice(next, next + 16)) ? run.length : run.lastIndexOf('\n')
    return ' '.repeat(kept) + run.slice(kept)
  })
}
