import type { Lengths } from './longest-length.js'
import type { Sentences } from './sentences.js'

/** Returns the lengths from `start` to the ends of sentences. */
export function sentencesFrom(sentences: Sentences, start: number): Lengths {
  return {
    upTo: (length) => Math.max(0, sentences.atOrBefore(start + length) - start),
    beyond: (length) => sentences.after(start + length) - start,
  }
}

/** Returns the lengths back from `end` to the beginnings of sentences after `least`. */
export function sentencesBack(sentences: Sentences, least: number, end: number): Lengths {
  return {
    upTo: (length) => Math.max(0, end - sentences.after(Math.max(end - length - 1, least))),
    beyond: (length) => {
      const start = sentences.atOrBefore(end - length - 1)
      return start > least ? end - start : Infinity
    },
  }
}

/**
 * Maximum number of segments that a search for a boundary visits. Chosen. A text of punctuation alone has no boundary.
 * A larger value is slower for that text. A smaller value misses boundaries after long punctuation.
 */
const MAX_STEPS = 64

/** The boundaries of words or graphemes in a text, found by a segmenter. */
export class Segmented implements Lengths {
  readonly #text: string
  readonly #segments: Intl.Segments
  readonly #isBound: (text: string, index: number) => boolean

  constructor(text: string, segmenter: Intl.Segmenter, isBound: (text: string, index: number) => boolean = () => true) {
    this.#text = text
    this.#segments = segmenter.segment(text)
    this.#isBound = isBound
  }

  upTo(length: number): number {
    let index = Math.min(length, this.#text.length - 1)
    for (let step = 0; step < MAX_STEPS && index > 0; step++) {
      index = this.#segments.containing(index)?.index ?? 0
      if (this.#isBound(this.#text, index)) return index
      index--
    }
    return 0
  }

  beyond(length: number): number {
    let index = length
    for (let step = 0; step < MAX_STEPS && index >= 0 && index < this.#text.length; step++) {
      const found = this.#segments.containing(index)!
      index = found.index + found.segment.length
      if (index < this.#text.length && this.#isBound(this.#text, index)) return index
    }
    return Infinity
  }

  /** Returns the same boundaries as lengths from the end of the text. */
  back(): Lengths {
    const { length: all } = this.#text
    return {
      upTo: (length) => Math.max(0, all - this.beyond(Math.max(0, all - length - 1))),
      beyond: (length) => {
        const start = this.upTo(all - length - 1)
        return start > 0 ? all - start : Infinity
      },
    }
  }
}

const BEGINS_WITH_SPACE = /^\s/
const BEGINS_WITH_CLOSING = /^[\p{Pe}\p{Pf}\p{Po}\p{Pd}\p{Pc}]/u
const ENDS_WITH_SPACE = /\s$/
const ENDS_WITH_OPENING = /[\p{Ps}\p{Pi}]$/u

/** Whether the text may be cut at the word boundary `index`. White space and closing punctuation stay with the word before them. */
export function isWordBound(text: string, index: number): boolean {
  const after = text.slice(index, index + 2)
  if (BEGINS_WITH_SPACE.test(after)) return false
  const before = text.slice(index - 1, index)
  return ENDS_WITH_SPACE.test(before) || !(BEGINS_WITH_CLOSING.test(after) || ENDS_WITH_OPENING.test(before))
}

/** Returns the lengths from the beginning of `text` to the ends of its code points. No surrogate pair is cut. */
export function codePoints(text: string): Lengths {
  const isPair = (index: number): boolean => text.codePointAt(index)! > 0xffff
  return {
    upTo: (length) =>
      length > 0 && length < text.length && isPair(length - 1) ? length - 1 : Math.min(length, text.length),
    beyond: (length) => (length < text.length ? length + (isPair(length) ? 2 : 1) : Infinity),
  }
}
