import { InvalidRequest } from '../errors.js'
import {
  CLASS,
  DIGIT,
  FIRST_SCRIPT,
  LOWER,
  NEWLINE,
  OTHER,
  PUNCTUATION,
  SCRIPTS,
  SPACE,
  UPPER,
  isCjk,
} from './character-classes.js'

/** Counts the tokens of a text exactly. Wrap the model's own tokenizer in it if the built-in estimate is not enough. */
export interface Tokenizer {
  /** The number of tokens of `text`: an integer ≥ 0. It must not throw. */
  count(text: string): number
}

/**
 * The tokens of `text`: exact with a tokenizer, otherwise estimated by {@link estimateTextTokens}.
 *
 * @throws InvalidRequest if the tokenizer throws (its error is the `cause`) or returns anything but a number ≥ 0
 */
export function countTokens(text: string, tokenizer?: Tokenizer): number {
  if (tokenizer === undefined) return estimateTextTokens(text)
  let count: number
  try {
    count = tokenizer.count(text)
  } catch (cause) {
    throw new InvalidRequest('The tokenizer threw while it counted a text.', { cause })
  }
  if (typeof count !== 'number' || !(count >= 0 && count < Infinity)) {
    throw new InvalidRequest(`The tokenizer returned ${String(count)}; it must return a number of tokens, 0 or more.`)
  }
  return Math.ceil(count)
}

/**
 * The estimated number of tokens of `text` for a Qwen model, without its vocabulary. It is an integer, and at least 1
 * unless the text is empty. The time is linear in the text. For the texts in `test/tokens/fixtures` the error is below
 * 15 % (English prose, Chinese prose, source code) or below 25 % (others).
 *
 * The text is cut as the byte-pair tokenizers of Qwen and OpenAI cut it. The pieces are words with the one character
 * before them, single digits, runs of punctuation, and runs of white space. Each piece costs what pieces of its shape
 * and length cost on average.
 *
 * The averages were measured with the public Qwen2.5 vocabulary, which Qwen3 shares. The numbers below are one model of
 * that vocabulary. A change of one must pass `test/tokens/text-tokens.test.ts`. Larger values: requests reserve more
 * than they use. Smaller values: they use more than they reserve.
 */
export function estimateTextTokens(text: string): number {
  return new Scan(text).total()
}

/**
 * The character before a word. Most words of the vocabulary begin with a space, so a word after a space costs the
 * least. INNER is a part within a word.
 */
const BARE = 0
const AFTER_SPACE = 1
const AFTER_SIGN = 2
const INNER = 3

/**
 * The cost of a word: one token, plus `slope` tokens for each letter beyond `free` letters. One line for each character
 * before it.
 */
interface Line {
  readonly free: number
  readonly slope: number
}
const LOWER_WORD: readonly Line[] = [
  { free: 4.5, slope: 0.12 },
  { free: 5, slope: 0.035 },
  { free: 3, slope: 0.12 },
  { free: 4, slope: 0.12 },
]
const CAPITALIZED_WORD: readonly Line[] = [
  { free: 4, slope: 0.08 },
  { free: 3.5, slope: 0.06 },
  { free: 1, slope: 0.12 },
  { free: 5, slope: 0.05 },
]
const UPPER_WORD: readonly Line[] = [
  { free: 2, slope: 0.22 },
  { free: 2, slope: 0.13 },
  { free: 2, slope: 0.22 },
  { free: 2, slope: 0.22 },
]
/**
 * From this length on each letter costs LONG_WORD_SLOPE more, in letters. Nearly all words of a language are shorter;
 * names run together and random letters are not.
 */
const LONG_WORD = 13
const LONG_WORD_SLOPE = 0.33

/** Words of other languages in Latin letters cost FOREIGN_SLOPE tokens more for each letter beyond FOREIGN_FREE. */
const FOREIGN_SLOPE = 0.25
const FOREIGN_FREE = 3.5

/**
 * Random letters, as in base64: words of at least RANDOM_PARTS parts that have fewer than RANDOM_PART_LENGTH letters on
 * average. Each letter then costs RANDOM_LETTER tokens.
 */
const RANDOM_PARTS = 3
const RANDOM_PART_LENGTH = 3
const RANDOM_LETTER = 0.78

class Scan {
  private readonly text: string
  private at = 0
  private tokens = 0
  private latinLetters = 0
  private accents = 0
  /** The tokens that the words would cost more if all of them were foreign. */
  private foreign = 0

  constructor(text: string) {
    this.text = text
  }

  total(): number {
    while (this.at < this.text.length) {
      const kind = this.kindAt(this.at)
      if (kind === LOWER || kind === UPPER) this.word(BARE)
      else if (kind === SPACE || kind === NEWLINE) this.whiteSpace()
      else if (kind === PUNCTUATION) this.punctuation()
      else if (kind >= FIRST_SCRIPT) this.script(kind)
      else this.other()
    }
    const tokens = this.tokens + foreignness(this.accents / (this.latinLetters || 1)) * this.foreign
    return Math.max(Math.round(tokens), Math.min(1, this.text.length))
  }

  /** The class of the character at `index`; `OTHER` beyond the end. */
  private kindAt(index: number): number {
    return index < this.text.length ? (CLASS[this.text.charCodeAt(index)] as number) : OTHER
  }

  /** Counts a run of Latin letters. It is cut where a lower-case letter is followed by an upper-case one. */
  private word(before: number): void {
    const { text } = this
    const start = this.at
    let index = start
    let context = before
    let parts = 0
    let tokens = 0
    for (;;) {
      const first = index
      while (index < text.length && CLASS[text.charCodeAt(index)] === UPPER) index++
      const upper = index - first
      let code = 0
      while (index < text.length && CLASS[(code = text.charCodeAt(index))] === LOWER) {
        if (code > 127) this.accents++
        index++
      }
      const lower = index - first - upper
      if (upper + lower === 0) break
      tokens += wordTokens(context, upper, lower)
      context = INNER
      parts += upper > 1 && lower > 0 ? 2 : 1
    }
    const letters = index - start
    const random = parts >= RANDOM_PARTS && letters < parts * RANDOM_PART_LENGTH
    this.at = index
    this.tokens += random ? Math.max(tokens, letters * RANDOM_LETTER) : tokens
    this.latinLetters += letters
    this.foreign += Math.max(0, letters - FOREIGN_FREE) * FOREIGN_SLOPE
  }

  /**
   * Counts white space: up to the last line break it is one token. The last of the spaces after it belongs to the next
   * piece.
   */
  private whiteSpace(): void {
    const start = this.at
    let index = start
    let afterBreak = start
    for (let kind = this.kindAt(index); kind === SPACE || kind === NEWLINE; kind = this.kindAt(index)) {
      index++
      if (kind === NEWLINE) afterBreak = index
    }
    this.at = index
    if (afterBreak > start) this.tokens += runTokens(afterBreak - start)
    const spaces = index - afterBreak
    if (spaces === 0) return
    const next = this.kindAt(index)
    if (index === this.text.length) {
      this.tokens += runTokens(spaces)
      return
    }
    if (spaces > 1) this.tokens += runTokens(spaces - 1)
    if (next === DIGIT) this.tokens += 1
    const isTab = this.text.charCodeAt(index - 1) !== 32
    if (next === LOWER || next === UPPER) this.word(isTab ? BARE : AFTER_SPACE)
    else if (next === PUNCTUATION ? isTab : isCjk(this.text.charCodeAt(index))) this.tokens += 1
  }

  /** Counts a run of ASCII signs with the line breaks after it. A single sign belongs to the word after it. */
  private punctuation(): void {
    const { text } = this
    const start = this.at
    let index = start + 1
    let changes = 0
    for (; this.kindAt(index) === PUNCTUATION; index++) {
      if (text.charCodeAt(index) !== text.charCodeAt(index - 1)) changes++
    }
    const length = index - start
    const next = this.kindAt(index)
    this.at = index
    if (length === 1 && (next === LOWER || next === UPPER) && text.charCodeAt(start - 1) !== 32) {
      this.word(AFTER_SIGN)
      return
    }
    this.tokens += signTokens(length, changes)
    while (this.kindAt(this.at) === NEWLINE) this.at++
  }

  /** Counts one digit, or one other sign or letter. A repeated sign costs less, since the vocabulary has runs of it. */
  private other(): void {
    const { text, at } = this
    const repeats = at > 0 && text.charCodeAt(at) > 127 && text.charCodeAt(at) === text.charCodeAt(at - 1)
    this.tokens += repeats ? 0.2 : 1
    this.at++
  }

  private script(kind: number): void {
    const start = this.at
    do this.at++
    while (this.kindAt(this.at) === kind)
    const [, , perRun, perUnit] = SCRIPTS[kind - FIRST_SCRIPT] as (typeof SCRIPTS)[number]
    this.tokens += perRun + perUnit * (this.at - start)
  }
}

/**
 * How far a text is from English, from 0 to 2, by its share of accented letters. With 1.5 % (German) to 3 % (French,
 * Spanish) all words are foreign. With 10 % and more (Czech, Hungarian) they are foreign and long.
 */
function foreignness(accented: number): number {
  return Math.min(accented / 0.015, 0.85 + 8 * accented, 2)
}

/**
 * The tokens of a part of a word: `upper` capitals, then `lower` small letters. All capitals but the last one are an
 * abbreviation, as in `HTTPServer`.
 */
function wordTokens(before: number, upper: number, lower: number): number {
  if (upper === 0) return lineTokens(LOWER_WORD[before] as Line, lower)
  if (lower === 0) return lineTokens(UPPER_WORD[before] as Line, upper)
  if (upper === 1) return lineTokens(CAPITALIZED_WORD[before] as Line, lower + 1)
  return lineTokens(UPPER_WORD[before] as Line, upper - 1) + lineTokens(CAPITALIZED_WORD[INNER] as Line, lower + 1)
}

function lineTokens(line: Line, length: number): number {
  return 1 + Math.max(0, length - line.free) * line.slope + Math.max(0, length - LONG_WORD) * LONG_WORD_SLOPE
}

/** The tokens of a run of white space. The vocabulary holds runs of up to about 80 spaces or line breaks. */
function runTokens(length: number): number {
  return 1 + Math.floor(length / 80)
}

/** The tokens of a run of signs. The vocabulary holds pairs and most triples of signs, and long runs of one sign. */
function signTokens(length: number, changes: number): number {
  if (changes === 0) return 1 + Math.floor(length / 40)
  const effective = 1 + changes + 0.25 * (length - 1 - changes)
  if (effective <= 2) return 1
  return effective <= 3 ? 1 + 0.12 * (effective - 2) : 1.12 + 0.5 * (effective - 3)
}
