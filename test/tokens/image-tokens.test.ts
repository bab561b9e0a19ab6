import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { imageSize, imageTokens } from '../../src/tokens/image-tokens.js'
import { runs } from '../support/runs.js'

const dataUrl = (bytes: readonly number[], type = 'image/png'): string =>
  `data:${type};base64,${Buffer.from(bytes).toString('base64')}`
const ascii = (text: string): number[] => [...Buffer.from(text, 'latin1')]
const big = (value: number, length: number): number[] =>
  Array.from({ length }, (_, index) => Math.floor(value / 256 ** (length - 1 - index)) % 256)
const little = (value: number, length: number): number[] => big(value, length).toReversed()

const png = (width: number, height: number): string =>
  dataUrl([
    ...ascii('\x89PNG\r\n\x1a\n'),
    ...big(13, 4),
    ...ascii('IHDR'),
    ...big(width, 4),
    ...big(height, 4),
    8,
    6,
    0,
    0,
    0,
  ])
const webp = (chunk: readonly number[]): string =>
  dataUrl([...ascii('RIFF'), ...little(4 + chunk.length, 4), ...ascii('WEBP'), ...chunk], 'image/webp')
const frame = (marker: number, width: number, height: number): number[] => [
  0xff,
  marker,
  ...big(17, 2),
  8,
  ...big(height, 2),
  ...big(width, 2),
  3,
  1,
  0x22,
  0,
  2,
  0x11,
  1,
  3,
  0x11,
  1,
]
const segment = (marker: number, length: number): number[] => [
  0xff,
  marker,
  ...big(length + 2, 2),
  ...Array<number>(length).fill(0xff),
]
const jpeg = (...parts: readonly number[][]): string => dataUrl([0xff, 0xd8, ...parts.flat()], 'image/jpeg')

/** Real images of one pixel, as encoders write them. */
const RED_GIF = 'data:image/gif;base64,R0lGODlhAQABAIAAAP8AAAAAACwAAAAAAQABAAACAkQBADs='
const RED_PNG =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
const WHITE_WEBP = 'data:image/webp;base64,UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA'

describe('imageSize', () => {
  it.each([
    ['a PNG', png(640, 480), 640, 480],
    ['a real PNG', RED_PNG, 1, 1],
    ['a real GIF', RED_GIF, 1, 1],
    ['a real WebP', WHITE_WEBP, 1, 1],
    ['a GIF', dataUrl([...ascii('GIF89a'), ...little(320, 2), ...little(200, 2)]), 320, 200],
    [
      'a BMP',
      dataUrl([...ascii('BM'), ...Array<number>(12).fill(0), ...little(40, 4), ...little(800, 4), ...little(600, 4)]),
      800,
      600,
    ],
    [
      'a top-down BMP',
      dataUrl([
        ...ascii('BM'),
        ...Array<number>(12).fill(0),
        ...little(40, 4),
        ...little(800, 4),
        ...little(2 ** 32 - 600, 4),
      ]),
      800,
      600,
    ],
    [
      'a BMP of the oldest kind',
      dataUrl([...ascii('BM'), ...Array<number>(12).fill(0), ...little(12, 4), ...little(80, 2), ...little(60, 2)]),
      80,
      60,
    ],
    [
      'a lossy WebP',
      webp([...ascii('VP8 '), ...little(30, 4), 0x30, 1, 0, 0x9d, 1, 0x2a, ...little(1234, 2), ...little(567, 2)]),
      1234,
      567,
    ],
    [
      'a lossless WebP',
      webp([...ascii('VP8L'), ...little(9, 4), 0x2f, ...little(1233 + 566 * 2 ** 14, 4), 0]),
      1234,
      567,
    ],
    [
      'an extended WebP',
      webp([...ascii('VP8X'), ...little(10, 4), 0x10, 0, 0, 0, ...little(4999, 3), ...little(2999, 3)]),
      5000,
      3000,
    ],
    ['a JPEG', jpeg(segment(0xe0, 14), segment(0xdb, 65), frame(0xc0, 1920, 1080)), 1920, 1080],
    ['a progressive JPEG', jpeg(segment(0xe0, 14), segment(0xc4, 30), frame(0xc2, 1080, 1920)), 1080, 1920],
    ['a JPEG after 60 KB of metadata', jpeg(segment(0xe1, 60_000), frame(0xc0, 300, 200)), 300, 200],
    ['a JPEG with fill bytes and a restart marker', jpeg([0xff, 0xff, 0xd0], frame(0xc0, 30, 20)), 30, 20],
    ['an image with a wrong media type', png(7, 9).replace('image/png', 'image/jpeg'), 7, 9],
  ])('reads the size of %s', (_, url, width, height) => {
    expect(imageSize(url)).toStrictEqual({ width, height })
  })

  it.each([
    ['a remote URL', 'https://example.com/a.png'],
    ['an empty text', ''],
    ['a data: URL without data', 'data:'],
    ['a data: URL without base64', 'data:image/svg+xml,<svg width="10" height="10"/>'],
    ['an empty image', 'data:image/png;base64,'],
    ['broken base64', 'data:image/png;base64,###!'],
    ['an unknown format', dataUrl(ascii('hello world, this is no image at all, only text'))],
    ['a PNG cut short', png(640, 480).slice(0, 40)],
    ['a lossless WebP cut short', webp(ascii('VP8L'))],
    ['a JPEG cut short', jpeg(segment(0xe0, 14))],
    ['an image of width 0', png(0, 480)],
  ])('finds no size in %s', (_, url) => {
    expect(imageSize(url)).toBeUndefined()
  })

  it('never throws', () => {
    const signature = fc.constantFrom('\xff\xd8\xff', '\x89PNG\r\n\x1a\n', 'GIF89a', 'BM', 'RIFF\0\0\0\0WEBPVP8L', '')
    fc.assert(
      fc.property(signature, fc.uint8Array({ maxLength: 200 }), (head, bytes) => {
        const size = imageSize(dataUrl([...ascii(head), ...bytes]))
        if (size !== undefined) expect(size.width > 0 && size.height > 0).toBe(true)
      }),
      runs(),
    )
  })
})

describe('imageTokens', () => {
  it.each([
    ['qwen3-vl-plus', 1024, 1024, 32 * 32 + 2],
    ['qwen3-vl-plus', 640, 480, 20 * 15 + 2],
    ['qwen3-vl-plus', 1, 1, 1 + 2],
    ['qwen3-vl-plus', 50, 47, 2 * 1 + 2],
    ['qwen3.5-plus', 640, 480, 20 * 15 + 2],
    ['qwen2.5-vl-72b-instruct', 640, 480, 23 * 17 + 2],
    ['Qwen/Qwen2.5-VL-7B-Instruct', 640, 480, 23 * 17 + 2],
    ['qwen-vl-max', 280, 280, 100 + 2],
    ['qwen-vl-plus-latest', 280, 280, 100 + 2],
    ['gpt-4o', 320, 320, 100 + 2],
  ])('for %s, %i × %i pixels are %i tokens', (model, width, height, tokens) => {
    expect(imageTokens(png(width, height), model)).toBe(tokens)
  })

  it('scales an image down to the pixel limit of the model', () => {
    expect(imageTokens(png(4000, 3000), 'qwen3-vl-plus')).toBe(58 * 43 + 2)
    expect(imageTokens(png(4000, 3000), 'qwen-vl-max')).toBe(41 * 30 + 2)
    expect(imageTokens(png(2 ** 31, 1), 'qwen3-vl-plus')).toBe(2560 + 2)
  })

  it('takes 1,024 × 1,024 pixels if the size cannot be read', () => {
    expect(imageTokens('https://example.com/cat.jpg', 'qwen3-vl-flash')).toBe(1026)
    expect(imageTokens('', 'qwen3-vl-flash')).toBe(1026)
    expect(imageTokens('https://example.com/cat.jpg', 'qwen-vl-plus')).toBe(35 * 35 + 2)
  })

  it('stays within the pixel limit for every size', () => {
    const side = fc.integer({ min: 1, max: 2 ** 32 - 1 })
    fc.assert(
      fc.property(side, side, (width, height) => {
        const tokens = imageTokens(png(width, height), 'qwen3-vl-plus')
        expect(tokens).toBeGreaterThanOrEqual(3)
        expect(tokens).toBeLessThanOrEqual(2560 + 2)
      }),
      runs(),
    )
  })
})
