import { countTokens } from '../../tokens/text-tokens.js'
import type { Tokenizer } from '../../tokens/text-tokens.js'
import { InvalidRequest } from '../../errors.js'
import { checkNames } from '../../options/check-names.js'
import { codePoints, isWordBound, Segmented, sentencesBack, sentencesFrom } from './segment-lengths.js'
import { longestLength } from './longest-length.js'
import type { Density, Lengths, LongestLength } from './longest-length.js'
import { LINE, PARAGRAPH, Sentences } from './sentences.js'

/** Options of {@link splitText} and {@link textPieces}. */
export interface SplitOptions {
  /** Maximum number of tokens of a piece. An integer, 1 or more. */
  readonly maxTokens: number
  /**
   * Maximum number of tokens that a piece repeats from the end of the piece before. An integer, 0 or more, below `maxTokens`.
   *
   * It repeats whole sentences, or whole words if the last sentence is longer. It repeats less if the next sentence would not
   * fit otherwise.
   * @default 0
   */
  readonly overlapTokens?: number | undefined
  /** Counts the tokens of a text exactly. @default a heuristic by character class */
  readonly tokenizer?: Tokenizer | undefined
  /**
   * The language of the sentence and word rules, as a BCP 47 tag. The rules differ little, and each handles every script.
   * @default 'en', on every machine
   */
  readonly locale?: string | undefined
}

/** A part of a text. */
export interface TextPiece {
  /** The unchanged text from `start` to `end`. */
  readonly text: string
  /** The start in UTF-16 code units, as for `slice`. With an overlap, it is before the `end` of the previous piece. */
  readonly start: number
  readonly end: number
  readonly tokens: number
}

/**
 * Returns the pieces of a text, each of at most `maxTokens` tokens. Without an overlap, the joined pieces equal the text.
 *
 * A piece holds as many whole sentences as fit. It ends at the end of a paragraph, or else of a line, if it keeps at least half its
 * length. A sentence is cut only if it does not fit in one piece: at the end of a line or word, else between graphemes, else
 * between code points. A surrogate pair is never cut. An empty text has no pieces.
 *
 * @throws InvalidRequest for an invalid option, a single character of more than `maxTokens` tokens, or a tokenizer that fails
 * @example
 * const lines = splitText(book, { maxTokens: 4000, overlapTokens: 200 })
 */
export function splitText(text: string, options: SplitOptions): string[] {
  return Array.from(textPieces(text, options), (piece) => piece.text)
}

/**
 * Yields the pieces of {@link splitText} lazily, each with its position and its tokens. The options are checked immediately.
 */
export function textPieces(text: string, options: SplitOptions): Generator<TextPiece, void, undefined> {
  return new Splitter(text, checked(text, options)).pieces()
}

interface Checked {
  readonly maxTokens: number
  readonly overlapTokens: number
  readonly tokenizer: Tokenizer | undefined
  readonly locale: string
}

function checked(text: unknown, options: SplitOptions): Checked {
  if (typeof text !== 'string') throw new InvalidRequest(`text is ${typeof text}: give a string`)
  if (typeof options !== 'object' || options === null) {
    throw new InvalidRequest('splitText(text, options): give an object with maxTokens')
  }
  checkNames('splitText', options, ['maxTokens', 'overlapTokens', 'tokenizer', 'locale'])
  const { maxTokens, overlapTokens = 0, tokenizer, locale = 'en' } = options
  if (!(Number.isInteger(maxTokens) && maxTokens >= 1)) {
    throw new InvalidRequest(`maxTokens is ${String(maxTokens)}: give a whole number, 1 or more`)
  }
  if (!(Number.isInteger(overlapTokens) && overlapTokens >= 0 && overlapTokens < maxTokens)) {
    throw new InvalidRequest(
      `overlapTokens is ${String(overlapTokens)}: give a whole number, 0 or more, below maxTokens (${maxTokens})`,
    )
  }
  if (tokenizer !== undefined && typeof tokenizer?.count !== 'function') {
    throw new InvalidRequest('tokenizer has no count(text)')
  }
  try {
    Intl.getCanonicalLocales(locale)
  } catch (cause) {
    throw new InvalidRequest(`locale is '${String(locale)}': give a BCP 47 tag, as 'en' or 'zh-Hans'`, { cause })
  }
  return { maxTokens, overlapTokens, tokenizer, locale }
}

interface Piece {
  readonly end: number
  readonly tokens: number
}

/**
 * UTF-16 code units that the segmenter sees beyond the length that does not fit. Chosen.
 * A smaller value finds false boundaries near the end. A larger value makes segmentation slower.
 */
const MARGIN = 64

class Splitter {
  readonly #text: string
  readonly #options: Checked
  readonly #sentences: Sentences
  readonly #words: Intl.Segmenter
  readonly #graphemes: Intl.Segmenter
  readonly #density: Density = { tokensPerUnit: 1 }

  constructor(text: string, options: Checked) {
    this.#text = text
    this.#options = options
    this.#sentences = new Sentences(text, options.locale)
    this.#words = new Intl.Segmenter(options.locale, { granularity: 'word' })
    this.#graphemes = new Intl.Segmenter(options.locale, { granularity: 'grapheme' })
  }

  *pieces(): Generator<TextPiece, void, undefined> {
    let start = 0
    let done = 0
    while (done < this.#text.length) {
      const overlapped = this.#overlapped(start, done)
      start = overlapped?.start ?? done
      const { end, tokens } = overlapped ?? this.#piece(start)
      yield { text: this.#text.slice(start, end), start, end, tokens }
      done = end
    }
  }

  /** Returns the piece that begins at `start`, cut at the best possible boundary. */
  #piece(start: number): Piece {
    const whole = this.#wholeSentences(start, start)
    if ('end' in whole) return whole
    const piece = this.#wholeWords(start, start, whole.failed)
    if (piece !== undefined) return piece
    const window = this.#text.slice(start, start + whole.failed + MARGIN)
    const first = this.#longest(start, new Segmented(window, this.#graphemes), whole.failed)
    if (first.length > 0) return { end: start + first.length, tokens: first.tokens }
    const part = this.#longest(start, codePoints(window), first.failed)
    if (part.length > 0) return { end: start + part.length, tokens: part.tokens }
    const character = String.fromCodePoint(window.codePointAt(0)!)
    const tokens = this.#tokens(start, start + character.length)
    const { maxTokens } = this.#options
    throw new InvalidRequest(
      `maxTokens is ${maxTokens}, but the character '${character}' alone has ${tokens} tokens: give ${tokens} or more`,
    )
  }

  /** Returns the piece from `start` that ends with a sentence after `done`, or the length that does not fit. */
  #wholeSentences(start: number, done: number): Piece | Pick<LongestLength, 'failed'> {
    const sentences = this.#sentences
    const { length, tokens, failed } = this.#longest(
      start,
      sentencesFrom(sentences, start),
      this.#text.length - start + 1,
    )
    const last = start + length
    if (last <= done) return { failed }
    if (last === this.#text.length) return { end: last, tokens }
    const least = Math.max(start + length / 2, done + 1)
    for (const rank of [PARAGRAPH, LINE]) {
      let end = last
      while (end >= least && sentences.rankAt(end) < rank) end = sentences.atOrBefore(end - 1)
      if (end >= least) return this.#checkedPiece(start, end) ?? { end: last, tokens }
    }
    return { end: last, tokens }
  }

  /** Returns the piece from `start` that ends with a line or word after `done`, below the length `failed`. */
  #wholeWords(start: number, done: number, failed: number): Piece | undefined {
    const window = this.#text.slice(start, start + failed + MARGIN)
    const { length, tokens } = this.#longest(start, new Segmented(window, this.#words, isWordBound), failed)
    if (start + length <= done) return undefined
    const line = window.slice(0, length).lastIndexOf('\n') + 1
    const isLine = line >= length / 2 && line < length && start + line > done
    return (isLine && this.#checkedPiece(start, start + line)) || { end: start + length, tokens }
  }

  /** Returns the piece that repeats the end of the piece from `previous` to `done`, or undefined if it can repeat nothing. */
  #overlapped(previous: number, done: number): (Piece & { readonly start: number }) | undefined {
    const { maxTokens, overlapTokens } = this.#options
    if (overlapTokens === 0 || done === 0) return undefined
    const next = this.#longest(done, only(this.#sentences.after(done) - done), this.#text.length - done + 1)
    const isCut = next.length === 0
    let budget = isCut ? overlapTokens : Math.min(overlapTokens, maxTokens - next.tokens)
    // Token counts do not add up exactly, so the overlap may leave too little room for the next sentence.
    for (; budget > 0; budget = Math.floor(budget / 2)) {
      const start = this.#overlapStart(previous, done, budget)
      if (start === done) return undefined
      const whole = this.#wholeSentences(start, done)
      const piece = 'end' in whole ? whole : isCut ? this.#wholeWords(start, done, whole.failed) : undefined
      if (piece !== undefined) return { start, ...piece }
    }
    return undefined
  }

  #overlapStart(previous: number, done: number, budget: number): number {
    const tokensOf = (length: number): number => this.#tokens(done - length, done)
    const back = (lengths: Lengths): number =>
      longestLength(lengths, budget, done - previous + 1, tokensOf, this.#density).length
    const whole = back(sentencesBack(this.#sentences, previous, done))
    if (whole > 0) return done - whole
    const sentence = Math.max(previous, this.#sentences.atOrBefore(done - 1))
    return done - back(new Segmented(this.#text.slice(sentence, done), this.#words, isWordBound).back())
  }

  #longest(start: number, lengths: Lengths, end: number): LongestLength {
    const tokensOf = (length: number): number => this.#tokens(start, start + length)
    return longestLength(lengths, this.#options.maxTokens, end, tokensOf, this.#density)
  }

  #checkedPiece(start: number, end: number): Piece | undefined {
    const tokens = this.#tokens(start, end)
    return tokens <= this.#options.maxTokens ? { end, tokens } : undefined
  }

  #tokens(start: number, end: number): number {
    return countTokens(this.#text.slice(start, end), this.#options.tokenizer)
  }
}

/** Returns lengths with a single element. */
function only(single: number): Lengths {
  return {
    upTo: (length) => (length >= single ? single : 0),
    beyond: (length) => (length < single ? single : Infinity),
  }
}
