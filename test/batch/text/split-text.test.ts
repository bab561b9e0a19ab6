import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitText, textPieces } from '../../../src/batch/text/split-text.js'
import type { SplitOptions, TextPiece } from '../../../src/batch/text/split-text.js'
import { countTokens, estimateTextTokens } from '../../../src/tokens/text-tokens.js'
import type { Tokenizer } from '../../../src/tokens/text-tokens.js'
import { isHeadgateError } from '../../../src/errors.js'
import { runs } from '../../support/runs.js'

const fixture = (name: string): string =>
  readFileSync(new URL(`../../tokens/fixtures/${name}`, import.meta.url), 'utf8')

/** One token a word and a sign, white space free: what a reader counts by hand. */
const WORDS: Tokenizer = { count: (text) => text.match(/[\p{L}\p{M}\p{N}']+|[^\s]/gu)?.length ?? 0 }
const UNITS: Tokenizer = { count: (text) => text.length }
const BYTES: Tokenizer = { count: (text) => Buffer.byteLength(text) }

const SNIPPETS = [
  'The quick brown fox jumps. ',
  'Dr. No said: "Stop!" He (nearly) did… ',
  'one\nline after\nanother, ',
  '- an item\n',
  '\n\n',
  '\r\n\r\n',
  ' \t ',
  '今天天气很好。我们去公园吧！',
  'それは本当ですか？「はい」と答えた。',
  'สวัสดีครับผมชื่อจอห์น ',
  'هذا نص عربي. هل تفهم؟ ',
  'यह एक वाक्य है। दूसरा वाक्य। ',
  '안녕하세요. 반갑습니다! ',
  '👨‍👩‍👧‍👦👩🏽‍💻🇩🇪🇫🇷',
  'é̂́',
  '𠀀𠮷',
  'aGVsbG8gd29ybGQhaGVsbG8gd29ybGQh',
  'const f = (x) => x.y[0];\n',
  '!!!!!!!',
]
const texts = fc
  .array(
    fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...SNIPPETS) }, fc.string({ unit: 'grapheme', maxLength: 8 })),
    {
      maxLength: 40,
    },
  )
  .map((parts) => parts.join(''))
/** Any code units at all, lone surrogates among them. */
const units = fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes))
const tokenizers = fc.constantFrom(undefined, WORDS, UNITS)

const cutsPair = (text: string, at: number): boolean =>
  at > 0 && at < text.length && /^[\ud800-\udbff]$/.test(text[at - 1]!) && /^[\udc00-\udfff]$/.test(text[at]!)

function failure(run: () => unknown): Error {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error('did not throw')
}

describe('splitText', () => {
  it('loses nothing, repeats nothing and keeps to the limit, whatever the text and the count', () => {
    fc.assert(
      fc.property(fc.oneof(texts, units), fc.integer({ min: 2, max: 60 }), tokenizers, (text, maxTokens, tokenizer) => {
        const pieces = [...textPieces(text, { maxTokens, tokenizer })]
        expect(pieces.map((piece) => piece.text).join('')).toBe(text)
        let done = 0
        for (const piece of pieces) {
          expect(piece.start).toBe(done)
          expect(piece.text).toBe(text.slice(piece.start, piece.end))
          expect(piece.text).not.toBe('')
          expect(piece.tokens).toBe(countTokens(piece.text, tokenizer))
          expect(piece.tokens).toBeLessThanOrEqual(maxTokens)
          expect(cutsPair(text, piece.end)).toBe(false)
          done = piece.end
        }
        expect(splitText(text, { maxTokens, tokenizer })).toEqual(pieces.map((piece) => piece.text))
      }),
      runs(400),
    )
  })

  it('cuts no grapheme that fits in a piece', () => {
    const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
    fc.assert(
      fc.property(texts, fc.integer({ min: 40, max: 80 }), (text, maxTokens) => {
        // The longest of the graphemes, a family, has eleven units.
        const bounds = new Set([...segmenter.segment(text)].map(({ index }) => index).concat(text.length))
        fc.pre([...segmenter.segment(text)].every(({ segment }) => segment.length <= maxTokens))
        for (const { end } of textPieces(text, { maxTokens, tokenizer: UNITS })) expect(bounds).toContain(end)
      }),
      runs(100),
    )
  })

  it('overlaps by what is allowed, at bounds, and goes on with every piece', () => {
    const words = new Intl.Segmenter('en', { granularity: 'word' })
    const options = fc
      .integer({ min: 3, max: 60 })
      .chain((max) => fc.record({ maxTokens: fc.constant(max), overlapTokens: fc.integer({ min: 1, max: max - 1 }) }))
    let overlaps = 0
    fc.assert(
      fc.property(texts, options, tokenizers, (text, { maxTokens, overlapTokens }, tokenizer) => {
        let last: TextPiece = { text: '', start: -1, end: 0, tokens: 0 }
        for (const piece of textPieces(text, { maxTokens, overlapTokens, tokenizer })) {
          expect(piece.tokens).toBe(countTokens(text.slice(piece.start, piece.end), tokenizer))
          expect(piece.tokens).toBeLessThanOrEqual(maxTokens)
          expect(piece.start).toBeGreaterThan(last.start)
          expect(piece.start).toBeLessThanOrEqual(last.end)
          expect(piece.end).toBeGreaterThan(last.end)
          expect(cutsPair(text, piece.start)).toBe(false)
          if (piece.start < last.end) {
            overlaps++
            expect(countTokens(text.slice(piece.start, last.end), tokenizer)).toBeLessThanOrEqual(overlapTokens)
            const isBound = words.segment(text).containing(piece.start)?.index === piece.start
            // Within a text of no spaces, words depend on where one begins to look.
            if (/^[\x20-\x7e\n]*$/.test(text)) expect(isBound).toBe(true)
            // White space stays with what is before it, but for the indentation of a line.
            if (text[piece.start - 1] !== '\n') expect(text[piece.start]).not.toMatch(/[ \n]/)
          }
          last = piece
        }
        expect(last.end).toBe(text.length)
      }),
      runs(400),
    )
    expect(overlaps).toBeGreaterThan(100)
  })

  it('does the same each time', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 2, max: 40 }), (text, maxTokens) => {
        const options = { maxTokens, overlapTokens: 1 }
        expect(splitText(text, options)).toEqual(splitText(text, options))
      }),
      runs(100),
    )
  })

  it('puts as many sentences in a piece as fit', () => {
    const sentence = fc.integer({ min: 1, max: 9 }).map((words) => `${'Word '.repeat(words)}end. `)
    fc.assert(
      fc.property(fc.array(sentence, { maxLength: 30 }), fc.integer({ min: 11, max: 40 }), (sentences, maxTokens) => {
        const expected: string[] = []
        for (const next of sentences) {
          const longer = (expected.at(-1) ?? '') + next
          if (expected.length > 0 && WORDS.count(longer) <= maxTokens) expected[expected.length - 1] = longer
          else expected.push(next)
        }
        expect(splitText(sentences.join(''), { maxTokens, tokenizer: WORDS })).toEqual(expected)
      }),
      runs(100),
    )
  })

  it.each<[string, string, number, string[]]>([
    ['sentences', 'One two. Three four! Five?', 6, ['One two. Three four! ', 'Five?']],
    ['a paragraph, if half is left', 'One.\n\nA b. C d. E f g.', 9, ['One.\n\nA b. C d. ', 'E f g.']],
    ['a paragraph', 'One two three. Four.\n\nA b. C d. E f.', 9, ['One two three. Four.\n\n', 'A b. C d. E f.']],
    ['a sentence over lines of a fixed width', 'One two\nthree. Four\nfive.', 5, ['One two\nthree. ', 'Four\nfive.']],
    ['items of a list', 'Buy:\n- one egg\n- two loaves\n', 6, ['Buy:\n- one egg\n', '- two loaves\n']],
    ['words, of a sentence that is too long', 'a b c d e f g', 3, ['a b c ', 'd e f ', 'g']],
    ['no word before its comma', 'aa bb, cc dd', 2, ['aa ', 'bb, ', 'cc dd']],
    ['lines, of a text without sentences', 'a b c\nd e f\ng h i\n', 7, ['a b c\nd e f\n', 'g h i\n']],
    ['Windows lines', 'One.\r\n\r\nTwo.\r\n', 2, ['One.\r\n\r\n', 'Two.\r\n']],
    ['Hindi sentences', 'यह एक है। वह दो है।', 4, ['यह एक है। ', 'वह दो है।']],
  ])('cuts %s', (_what, text, maxTokens, pieces) => {
    expect(splitText(text, { maxTokens, tokenizer: WORDS })).toEqual(pieces)
  })

  it.each<[string, string, number, string[]]>([
    ['Chinese at sentences', '天气很好。去公园吧！', 6, ['天气很好。', '去公园吧！']],
    ['Thai at words', 'สวัสดีครับผม', 9, ['สวัสดี', 'ครับผม']],
    ['a word of letters', 'abcdefg', 3, ['abc', 'def', 'g']],
    ['between families', '👨‍👩‍👧👨‍👩‍👧', 9, ['👨‍👩‍👧', '👨‍👩‍👧']],
    ['a family that does not fit', '👨‍👩‍👧', 5, ['👨‍👩', '‍👧']],
    ['between flags', '🇩🇪🇫🇷🇮🇹', 9, ['🇩🇪🇫🇷', '🇮🇹']],
  ])('cuts %s', (_what, text, maxTokens, pieces) => {
    expect(splitText(text, { maxTokens, tokenizer: UNITS })).toEqual(pieces)
  })

  it.each<[string, SplitOptions, string[]]>([
    ['a sentence', { maxTokens: 6, overlapTokens: 3 }, ['A b. C d. ', 'C d. E f. ', 'E f. G h.']],
    ['words, where the sentence is longer', { maxTokens: 6, overlapTokens: 2 }, ['A b. C d. ', 'd. E f. ', 'f. G h.']],
    ['nothing, where there is no room', { maxTokens: 3, overlapTokens: 2 }, ['A b. ', 'C d. ', 'E f. ', 'G h.']],
  ])('repeats %s', (_what, options, pieces) => {
    expect(splitText('A b. C d. E f. G h.', { ...options, tokenizer: WORDS })).toEqual(pieces)
  })

  it('has no pieces for the empty text, and one for a text that fits', () => {
    expect(splitText('', { maxTokens: 1 })).toEqual([])
    expect(splitText('One.\n\nTwo.\n', { maxTokens: 100 })).toEqual(['One.\n\nTwo.\n'])
  })

  it('fills its pieces: real texts need few more than the least number', () => {
    for (const name of ['english-story.txt', 'chinese-story.txt', 'code-typescript.txt']) {
      const text = fixture(name).repeat(20)
      const least = Math.ceil(estimateTextTokens(text) / 500)
      expect(splitText(text, { maxTokens: 500 }).length, name).toBeLessThanOrEqual(1.35 * least)
    }
  })
})

describe('the time it takes', () => {
  const LENGTH = 200_000
  it.each([
    'One two three. Four five!\n\n',
    '今天天气很好。',
    'a',
    ' ',
    '\n',
    '!',
    '🇩🇪',
    '\u0301',
    'no end in sight ',
    '. ',
  ])('grows with the text: of %j as little is counted as of any other', (unit) => {
    const text = unit.repeat(Math.ceil(LENGTH / unit.length))
    for (const overlapTokens of [0, 20]) {
      let counted = 0
      const tokenizer: Tokenizer = {
        count(part) {
          counted += part.length
          return estimateTextTokens(part)
        },
      }
      splitText(text, { maxTokens: 200, overlapTokens, tokenizer })
      expect(counted / text.length).toBeLessThan(15)
    }
  })

  it('is not spent before a piece is asked for', () => {
    let counts = 0
    const tokenizer: Tokenizer = { count: (text) => ((counts += 1), text.length) }
    const pieces = textPieces('One. '.repeat(100_000), { maxTokens: 50, tokenizer })
    expect(counts).toBe(0)
    pieces.next()
    expect(counts).toBeLessThan(20)
  })
})

describe('options', () => {
  it.each<[object, RegExp]>([
    [{}, /^maxTokens is undefined: give a whole number, 1 or more$/],
    [{ maxTokens: 0 }, /^maxTokens is 0/],
    [{ maxTokens: 2.5 }, /^maxTokens is 2.5/],
    [{ maxTokens: '9' }, /^maxTokens is 9/],
    [{ maxTokens: 9, overlapTokens: 9 }, /^overlapTokens is 9: .* below maxTokens \(9\)$/],
    [{ maxTokens: 9, overlapTokens: -1 }, /^overlapTokens is -1/],
    [{ maxTokens: 9, overlapTokens: 1.5 }, /^overlapTokens is 1.5/],
    [{ maxTokens: 9, overlapToken: 1 }, /no option 'overlapToken'. Did you mean 'overlapTokens'/],
    [{ maxTokens: 9, tokenizer: {} }, /^tokenizer has no count\(text\)$/],
    [{ maxTokens: 9, locale: 'not a tag' }, /^locale is 'not a tag'/],
  ])('%j are refused at once', (options, message) => {
    for (const run of [splitText, textPieces]) {
      const error = failure(() => run('text', options as SplitOptions))
      expect(isHeadgateError(error, 'invalid_request')).toBe(true)
      expect(error.message).toMatch(message)
    }
  })

  it('text must be a string', () => {
    expect(failure(() => splitText(3 as never, { maxTokens: 9 })).message).toBe('text is number: give a string')
  })

  it('a character that does not fit is an error that says what would do', () => {
    const error = failure(() => splitText('ab😀', { maxTokens: 3, tokenizer: BYTES }))
    expect(isHeadgateError(error, 'invalid_request')).toBe(true)
    expect(error.message).toBe("maxTokens is 3, but the character '😀' alone has 4 tokens: give 4 or more")
    expect(splitText('ab😀', { maxTokens: 4, tokenizer: BYTES })).toEqual(['ab', '😀'])
  })

  it('a tokenizer that fails is reported, and one that counts nothing ends nothing early', () => {
    const broken = failure(() => splitText('a', { maxTokens: 3, tokenizer: { count: () => Number.NaN } }))
    expect(isHeadgateError(broken, 'invalid_request')).toBe(true)
    expect(splitText('a b', { maxTokens: 1, tokenizer: { count: () => 0 } })).toEqual(['a b'])
  })

  it('a locale may be given', () => {
    expect(splitText('Τι; Όχι.', { maxTokens: 4, tokenizer: UNITS, locale: 'el' })).toEqual(['Τι; ', 'Όχι.'])
  })
})
