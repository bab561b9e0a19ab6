import { lookingLike } from './response.js'

const decoder = new TextDecoder()

/** An answer's body that was read for its usage, and is still to be read by the caller. */
export class ReadBody {
  readonly bytes: ArrayBuffer
  readonly text: string
  /** The text as JSON; undefined where it is none. */
  readonly json: unknown

  constructor(bytes: ArrayBuffer) {
    this.bytes = bytes
    this.text = decoder.decode(bytes)
    try {
      this.json = JSON.parse(this.text)
    } catch {
      // Whatever it is, it is for the caller to see.
    }
  }
}

/**
 * `response`, whose body was read, as if it had not been: `body` can be read once more. It stays the same object, and what
 * it says of itself is untouched; to build another one costs as much as all the rest of a call.
 *
 * `json()` and `text()` give what is there already; every other way goes by a real `Response` of the same bytes.
 */
export function readableAgain(response: Response, body: ReadBody): Response {
  let isUsed = false
  let copy: Response | undefined
  const whole = (): Response => {
    if (copy !== undefined) return copy
    const { status, statusText, headers } = response
    copy = new Response(body.bytes, { status, statusText, headers })
    // Then it refuses in its own words.
    if (isUsed) void copy.arrayBuffer()
    return copy
  }
  const quickly = async <T>(known: T | undefined, otherwise: () => Promise<T>): Promise<T> => {
    if (isUsed || copy !== undefined || known === undefined) return otherwise()
    isUsed = true
    return known
  }
  return Object.defineProperties(response, {
    json: { value: () => quickly(body.json, () => whole().json()), configurable: true },
    text: { value: () => quickly(body.text, () => whole().text()), configurable: true },
    arrayBuffer: { value: () => whole().arrayBuffer(), configurable: true },
    bytes: { value: async () => new Uint8Array(await whole().arrayBuffer()), configurable: true },
    blob: { value: () => whole().blob(), configurable: true },
    formData: { value: () => whole().formData(), configurable: true },
    body: { get: () => whole().body, configurable: true },
    bodyUsed: { get: () => isUsed || copy?.bodyUsed === true, configurable: true },
    clone: { value: () => lookingLike(whole().clone(), response), configurable: true },
  })
}
