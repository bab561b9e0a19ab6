/**
 * The classes of UTF-16 code units that tokenizers treat differently. The writing systems of `SCRIPTS` are numbered
 * from `FIRST_SCRIPT`.
 */
export const OTHER = 0
export const LOWER = 1
export const UPPER = 2
export const DIGIT = 3
export const SPACE = 4
export const NEWLINE = 5
export const PUNCTUATION = 6
export const FIRST_SCRIPT = 7

/**
 * The writing systems beyond Latin: first code unit, last code unit, tokens for each run, tokens for each code unit.
 *
 * Measured with the public Qwen2.5 vocabulary; `test/tokens/fixtures` bounds the error at 25 %. Larger or smaller:
 * texts in that script are estimated too high or too low.
 */
export const SCRIPTS: readonly (readonly [first: number, last: number, perRun: number, perUnit: number])[] = [
  [0x0370, 0x03ff, 0.1, 0.95], // Greek
  [0x0400, 0x044f, 0.45, 0.34], // Cyrillic as in Russian
  [0x0450, 0x052f, 0.3, 0.4], // Cyrillic of other languages
  [0x0580, 0x05ff, 0.1, 0.4], // Hebrew
  [0x0600, 0x066f, 0.25, 0.4], // Arabic
  [0x0670, 0x077f, 0.3, 0.5], // letters of Persian and Urdu
  [0x0900, 0x0dff, 0, 1.12], // Indic
  [0x0e00, 0x0e7f, 0.1, 0.56], // Thai
  [0x0e80, 0x1cff, 0, 1.2], // Lao to Khmer and others, rarely known
  [0x3040, 0x309f, 0.6, 0.32], // Hiragana
  [0x30a0, 0x30ff, 0.4, 0.58], // Katakana
  [0x3400, 0x9fff, 0.15, 0.56], // Han
  [0xac00, 0xd7ff, 0.95, 0.54], // Hangul
  [0xd800, 0xdfff, 0, 0.6], // surrogates: emoji, rare Han
]
const LATIN_BEYOND_ASCII = [
  [0x00c0, 0x024f],
  [0x1e00, 0x1eff],
] as const

/** The class of each code unit. */
export const CLASS = new Uint8Array(0x10000)
CLASS.fill(PUNCTUATION, 0, 128).fill(LOWER, 97, 123).fill(UPPER, 65, 91).fill(DIGIT, 48, 58)
CLASS.fill(SPACE, 9, 14).fill(SPACE, 32, 33).fill(NEWLINE, 10, 11).fill(NEWLINE, 13, 14)
for (const [first, last] of LATIN_BEYOND_ASCII) CLASS.fill(LOWER, first, last + 1)
for (const [index, [first, last]] of SCRIPTS.entries()) CLASS.fill(FIRST_SCRIPT + index, first, last + 1)

/**
 * Whether the code unit belongs to a script without spaces between words. A space before it is then a token of its own.
 */
export function isCjk(code: number): boolean {
  return code >= 0x2e80 && code <= 0x9fff
}
