/** One event of a `text/event-stream`, and its bytes. */
export interface SseEvent {
  /** All bytes of the event, with the empty line that ends it. */
  readonly bytes: Uint8Array
  /** The name of the event; empty if it has none. */
  readonly name: string
  /** The data lines, joined by newlines. */
  readonly data: string
  /** The status in a comment `:HTTP_STATUS/429`: Model Studio reports an error inside a stream that way. */
  readonly status: number | undefined
}

const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const SPACE = 32
const EMPTY = new Uint8Array(0)

/** Splits a stream of bytes into events. An event may be spread over any number of chunks. */
export class SseScanner {
  readonly #decoder = new TextDecoder()
  /** The bytes of an event whose end has not come yet. */
  #rest: Uint8Array = EMPTY

  /** The events that `chunk` completes. */
  push(chunk: Uint8Array): SseEvent[] {
    // At most three bytes of an event's end have come already: "\r\n\r".
    const searched = Math.max(0, this.#rest.length - 3)
    const bytes = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk)
    const events: SseEvent[] = []
    let start = 0
    let lineStart = -1
    let feed = bytes.indexOf(LINE_FEED, searched)
    // Most streams have no carriage return: then this is the only search for one.
    let carriage = bytes.indexOf(CARRIAGE_RETURN, searched)
    while (feed >= 0 || carriage >= 0) {
      const isCarriage = carriage >= 0 && (feed < 0 || carriage < feed)
      const at = isCarriage ? carriage : feed
      const next = isCarriage && bytes[at + 1] === LINE_FEED ? at + 2 : at + 1
      if (at !== lineStart) lineStart = next
      else {
        // The line feed after this carriage return may come with the next chunk.
        if (isCarriage && at + 1 === bytes.length) break
        events.push(this.#parse(bytes.subarray(start, next)))
        start = next
        lineStart = -1
      }
      if (isCarriage) carriage = bytes.indexOf(CARRIAGE_RETURN, next)
      if (feed >= 0 && feed < next) feed = bytes.indexOf(LINE_FEED, next)
    }
    // A copy, because the chunk is passed on and its reader may transfer the memory.
    this.#rest = start === bytes.length ? EMPTY : bytes.slice(start)
    return events
  }

  /** The bytes after the last whole event, to be passed on when the stream ends; undefined if there are none. */
  takeRest(): SseEvent | undefined {
    if (this.#rest.length === 0) return undefined
    const rest = this.#rest
    this.#rest = EMPTY
    return this.#parse(rest)
  }

  #parse(bytes: Uint8Array): SseEvent {
    let name = ''
    let data: string | undefined
    let status: number | undefined
    for (const line of this.#decoder.decode(bytes).split(/\r\n|\n|\r/)) {
      if (line.startsWith('data:')) {
        const value = line.slice(line.charCodeAt(5) === SPACE ? 6 : 5)
        data = data === undefined ? value : `${data}\n${value}`
      } else if (line.startsWith('event:')) name = line.slice(6).trim()
      else if (line.startsWith(':HTTP_STATUS/')) status = Number(line.slice(13)) || undefined
    }
    return { bytes, name, data: data ?? '', status }
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}

/**
 * Adds bytes to pieces. Bytes that are adjacent in memory become one piece, so that the reader wakes once for them. No two
 * pieces share memory, because a reader may transfer the memory of one.
 */
export function append(pieces: Uint8Array[], bytes: Uint8Array): void {
  const last = pieces.at(-1)
  if (last === undefined) pieces.push(bytes)
  else if (last.buffer !== bytes.buffer || last.byteOffset + last.length !== bytes.byteOffset)
    pieces.push(bytes.slice())
  else pieces[pieces.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + bytes.length)
}
