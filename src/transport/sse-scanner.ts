/** One event of a `text/event-stream`, with the bytes that it came in. */
export interface SseEvent {
  /** Its bytes, the empty line that ends it included. */
  readonly bytes: Uint8Array
  /** The event's name; empty where it has none. */
  readonly name: string
  /** The data lines, joined by newlines. */
  readonly data: string
  /** The status in a comment `:HTTP_STATUS/429`, by which Model Studio tells of an error inside a stream. */
  readonly status: number | undefined
}

const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const SPACE = 32
const EMPTY = new Uint8Array(0)

/** Cuts a byte stream into events, wherever its chunks are cut. */
export class SseScanner {
  readonly #decoder = new TextDecoder()
  /** Bytes of an event that has not ended. */
  #rest: Uint8Array = EMPTY

  /** The events that `chunk` completes. */
  push(chunk: Uint8Array): SseEvent[] {
    // Of the end of an event three bytes at most can be there already: "\r\n\r".
    const searched = Math.max(0, this.#rest.length - 3)
    const bytes = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk)
    const events: SseEvent[] = []
    let start = 0
    let lineStart = -1
    let feed = bytes.indexOf(LINE_FEED, searched)
    // Rare, so that most chunks are searched for them once.
    let carriage = bytes.indexOf(CARRIAGE_RETURN, searched)
    while (feed >= 0 || carriage >= 0) {
      const isCarriage = carriage >= 0 && (feed < 0 || carriage < feed)
      const at = isCarriage ? carriage : feed
      const next = isCarriage && bytes[at + 1] === LINE_FEED ? at + 2 : at + 1
      if (at !== lineStart) lineStart = next
      else {
        // The other half of a line end may be still to come.
        if (isCarriage && at + 1 === bytes.length) break
        events.push(this.#parse(bytes.subarray(start, next)))
        start = next
        lineStart = -1
      }
      if (isCarriage) carriage = bytes.indexOf(CARRIAGE_RETURN, next)
      if (feed >= 0 && feed < next) feed = bytes.indexOf(LINE_FEED, next)
    }
    // A copy: the chunk is passed on, and whoever reads it may transfer its memory.
    this.#rest = start === bytes.length ? EMPTY : bytes.slice(start)
    return events
  }

  /** What came after the last whole event: to be passed on when the stream ends. */
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
 * Adds bytes to pieces; those that lie behind one another in memory stay one piece, so that its reader wakes once. No two
 * pieces share memory: a reader may transfer that of the first.
 */
export function append(pieces: Uint8Array[], bytes: Uint8Array): void {
  const last = pieces.at(-1)
  if (last === undefined) pieces.push(bytes)
  else if (last.buffer !== bytes.buffer || last.byteOffset + last.length !== bytes.byteOffset)
    pieces.push(bytes.slice())
  else pieces[pieces.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + bytes.length)
}
