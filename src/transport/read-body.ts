import { lookingLike } from './response.js'

const decoder = new TextDecoder()

/** An answer's body that was read for its usage, and is still to be read by the caller. */
export class ReadBody {
  readonly bytes: ArrayBuffer
  readonly text: string
  /** The text as JSON; undefined where it is none. */
  readonly json: unknown
  /** Whether it was given away. */
  isUsed = false
  /** The same answer as one that was never read, made where it is needed. */
  copy: Response | undefined

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

/** Where an answer keeps its body. */
const BODY: unique symbol = Symbol('headgate.body') as never
type Reread = Response & { [BODY]: ReadBody }

/** Gives what is there already; after that, and where there is nothing, it goes by the real way. */
async function quickly<T>(
  response: Response,
  known: T | undefined,
  really: (whole: Response) => Promise<T>,
): Promise<T> {
  const body = (response as Reread)[BODY]
  if (body.isUsed || body.copy !== undefined || known === undefined) return really(wholeOf(response))
  body.isUsed = true
  return known
}

function wholeOf(response: Response): Response {
  const body = (response as Reread)[BODY]
  if (body.copy !== undefined) return body.copy
  const { status, statusText, headers } = response
  body.copy = new Response(body.bytes, { status, statusText, headers })
  // Then it refuses in its own words.
  if (body.isUsed) void body.copy.arrayBuffer()
  return body.copy
}

/** What replaces the methods of a `Response`: the same for all, so that a call makes no functions of its own. */
const READING: PropertyDescriptorMap & ThisType<Reread> = {
  json: {
    configurable: true,
    value(this: Reread) {
      return quickly(this, this[BODY].json, (whole) => whole.json())
    },
  },
  text: {
    configurable: true,
    value(this: Reread) {
      return quickly(this, this[BODY].text, (whole) => whole.text())
    },
  },
  arrayBuffer: {
    configurable: true,
    async value(this: Reread) {
      return wholeOf(this).arrayBuffer()
    },
  },
  bytes: {
    configurable: true,
    async value(this: Reread) {
      return new Uint8Array(await wholeOf(this).arrayBuffer())
    },
  },
  blob: {
    configurable: true,
    async value(this: Reread) {
      return wholeOf(this).blob()
    },
  },
  formData: {
    configurable: true,
    async value(this: Reread) {
      return wholeOf(this).formData()
    },
  },
  body: {
    configurable: true,
    get(this: Reread) {
      return wholeOf(this).body
    },
  },
  bodyUsed: {
    configurable: true,
    get(this: Reread) {
      return this[BODY].isUsed || this[BODY].copy?.bodyUsed === true
    },
  },
  clone: {
    configurable: true,
    value(this: Reread) {
      return lookingLike(wholeOf(this).clone(), this)
    },
  },
}

/**
 * `response`, whose body was read, as if it had not been: `body` can be read once more. It stays the same object, and what
 * it says of itself is untouched; to build another one costs as much as all the rest of a call.
 *
 * `json()` and `text()` give what is there already; every other way goes by a real `Response` of the same bytes.
 */
export function readableAgain(response: Response, body: ReadBody): Response {
  Object.defineProperty(response, BODY, { value: body, configurable: true })
  return Object.defineProperties(response, READING)
}
