/** The size of an image in pixels. */
export interface ImageSize {
  readonly width: number
  readonly height: number
}

/**
 * The size of an image whose size the request does not contain: a remote URL, an unknown format, a broken header.
 * Chosen: about 1,000 tokens. Larger: quota idles until the settlement. Smaller: 429s become possible.
 */
export const DEFAULT_IMAGE_SIZE: ImageSize = { width: 1024, height: 1024 }

/**
 * How a generation of models cuts images: one token for each square of `side` pixels, after scaling the image down to
 * `maxPixels`.
 */
interface Patches {
  readonly side: number
  readonly maxPixels: number
}
/**
 * The rule of qwen3-vl and later, documented by Model Studio. It is also used for models of other vendors, whose rules
 * are not known.
 */
const PATCHES: Patches = { side: 32, maxPixels: 2_621_440 }
/** The rule of qwen2.5-vl, qwen-vl-max, qwen-vl-plus and older, documented by Model Studio. */
const OLDER_PATCHES: Patches = { side: 28, maxPixels: 1_003_520 }
const OLDER_MODEL = /qwen-?[12](?:\.\d)?-|qwen-(?:vl|omni)|qvq/i

/** Tokens that mark the beginning and the end of an image, documented by Model Studio. */
const IMAGE_MARKS = 2

/**
 * The tokens of an image for `model`: h·w/f² + 2, Model Studio's rule for Qwen. Each side is rounded to a multiple of
 * f, and the image is scaled down to the pixel limit of the model. The size is read from a `data:` URL; nothing is
 * fetched.
 */
export function imageTokens(url: string, model: string): number {
  const { width, height } = imageSize(url) ?? DEFAULT_IMAGE_SIZE
  const { side, maxPixels } = OLDER_MODEL.test(model) ? OLDER_PATCHES : PATCHES
  let columns = Math.max(1, Math.round(width / side))
  let rows = Math.max(1, Math.round(height / side))
  if (columns * rows * side * side > maxPixels) {
    const scale = Math.sqrt(maxPixels / (width * height))
    const most = Math.floor(maxPixels / (side * side))
    columns = Math.min(most, Math.max(1, Math.floor((width * scale) / side)))
    rows = Math.min(Math.floor(most / columns), Math.max(1, Math.floor((height * scale) / side)))
  }
  return columns * rows + IMAGE_MARKS
}

/**
 * How many bytes of an image are decoded, in multiples of 3 because of base64. Derived: the size is within the first 30
 * bytes of every format but JPEG. A JPEG has its size after its metadata, so three lengths are tried, up to 768 KB;
 * these are chosen. Larger: more time for a large image. Smaller: sizes after long metadata are not found.
 */
const HEADER_BYTES = 48
const JPEG_BYTES = [3 * 1024, 3 * 32 * 1024, 3 * 256 * 1024]

/** The size of the image in a base64 `data:` URL (PNG, JPEG, GIF, WebP, BMP); undefined if it cannot be read. */
export function imageSize(url: string): ImageSize | undefined {
  const start = url.startsWith('data:') ? url.slice(0, 256).indexOf(',') + 1 : 0
  if (start === 0 || !url.slice(0, start).endsWith(';base64,')) return undefined
  try {
    const header = decode(url, start, HEADER_BYTES)
    if (!header.startsWith('\xff\xd8')) return valid(headerSize(header))
    for (const length of JPEG_BYTES) {
      const size = valid(jpegSize(decode(url, start, length)))
      if (size !== undefined) return size
    }
  } catch {
    // The data is not base64.
  }
  return undefined
}

/** The first `length` bytes, a multiple of 3, as a string of char codes below 256. */
function decode(url: string, start: number, length: number): string {
  return atob(url.slice(start, start + (length / 3) * 4))
}

function valid(size: ImageSize | undefined): ImageSize | undefined {
  return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined
}

function headerSize(bytes: string): ImageSize | undefined {
  if (bytes.startsWith('\x89PNG\r\n\x1a\n')) return { width: bigEndian(bytes, 16, 4), height: bigEndian(bytes, 20, 4) }
  if (bytes.startsWith('GIF8')) return { width: littleEndian(bytes, 6, 2), height: littleEndian(bytes, 8, 2) }
  if (bytes.startsWith('BM')) return bitmapSize(bytes)
  if (bytes.startsWith('RIFF') && bytes.startsWith('WEBP', 8)) return webpSize(bytes)
  return undefined
}

function bitmapSize(bytes: string): ImageSize {
  const isOldest = littleEndian(bytes, 14, 4) === 12
  if (isOldest) return { width: littleEndian(bytes, 18, 2), height: littleEndian(bytes, 20, 2) }
  const height = littleEndian(bytes, 22, 4)
  return { width: littleEndian(bytes, 18, 4), height: height < 2 ** 31 ? height : 2 ** 32 - height } // top-down is negative
}

function webpSize(bytes: string): ImageSize | undefined {
  if (bytes.length < 25) return undefined
  if (bytes.startsWith('VP8X', 12))
    return { width: littleEndian(bytes, 24, 3) + 1, height: littleEndian(bytes, 27, 3) + 1 }
  if (bytes.startsWith('VP8 ', 12)) {
    return { width: littleEndian(bytes, 26, 2) & 0x3fff, height: littleEndian(bytes, 28, 2) & 0x3fff }
  }
  if (!bytes.startsWith('VP8L', 12)) return undefined
  const width = (littleEndian(bytes, 21, 2) & 0x3fff) + 1
  return { width, height: ((littleEndian(bytes, 22, 3) >> 6) & 0x3fff) + 1 }
}

/** The size in the frame header (SOF) of a JPEG. Finds it by walking the segments. */
function jpegSize(bytes: string): ImageSize | undefined {
  let at = 2
  while (at + 9 <= bytes.length && bytes.charCodeAt(at) === 0xff) {
    const marker = bytes.charCodeAt(at + 1)
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
    if (isFrame) return { width: bigEndian(bytes, at + 7, 2), height: bigEndian(bytes, at + 5, 2) }
    if (marker === 0xff) at += 1
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) at += 2
    else at += 2 + bigEndian(bytes, at + 2, 2)
  }
  return undefined
}

/** A number of `length` bytes, most significant first. NaN if it reaches beyond the end. */
function bigEndian(bytes: string, at: number, length: number): number {
  let value = 0
  for (let index = at; index < at + length; index++) value = value * 256 + bytes.charCodeAt(index)
  return value
}

/** A number of `length` bytes, least significant first. NaN if it reaches beyond the end. */
function littleEndian(bytes: string, at: number, length: number): number {
  let value = 0
  for (let index = at + length - 1; index >= at; index--) value = value * 256 + bytes.charCodeAt(index)
  return value
}
