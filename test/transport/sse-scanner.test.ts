import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SseScanner, type SseEvent } from '../../src/transport/sse-scanner.js'
import { runs } from '../support/runs.js'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

function scan(pieces: readonly Uint8Array[]): { events: SseEvent[]; rest: SseEvent | undefined } {
  const scanner = new SseScanner()
  const events = pieces.flatMap((piece) => scanner.push(piece))
  return { events, rest: scanner.takeRest() }
}

function scanText(...pieces: string[]): SseEvent[] {
  const { events, rest } = scan(pieces.map((piece) => encoder.encode(piece)))
  return rest === undefined ? events : [...events, rest]
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const cuts = [0, ...at.map((share) => Math.floor(share * bytes.length)), bytes.length].toSorted((a, b) => a - b)
  return cuts.slice(1).map((end, i) => bytes.subarray(cuts[i], end))
}

/** What the standard's words say, with the whole text at hand. */
function byTheBook(text: string): Pick<SseEvent, 'name' | 'data' | 'status'>[] {
  const events: Pick<SseEvent, 'name' | 'data' | 'status'>[] = []
  let [name, status] = ['', undefined as number | undefined]
  let data: string[] = []
  let lines = 0
  for (const line of text.split(/\r\n|\n|\r/).slice(0, -1)) {
    lines++
    if (line === '') {
      if (lines > 1) events.push({ name, data: data.join('\n'), status })
      else continue
      ;[name, status, data, lines] = ['', undefined, [], 0]
    } else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
    else if (line.startsWith('event:')) name = line.slice(6).trim()
    else if (line.startsWith(':HTTP_STATUS/')) status = Number(line.slice(13))
  }
  return events
}

const lineEnd = fc.constantFrom('\n', '\r\n', '\r')
const word = fc.string({ unit: fc.constantFrom('a', ' ', ':', '"', '{', 'é', '水', '👍🏽', '\u2028'), maxLength: 8 })
const line = fc.oneof(
  word.map((text) => `data: ${text}`),
  word.map((text) => `data:${text}`),
  word.map((text) => `event:x${text}`),
  word.map((text) => `: ${text}`),
  word.map((text) => `id:${text}`),
  fc.constant(':HTTP_STATUS/429'),
)
const ended = (text: fc.Arbitrary<string>) => fc.tuple(text, lineEnd).map((both) => both.join(''))
const streamText = fc
  .array(
    fc
      .tuple(fc.array(ended(line), { minLength: 1, maxLength: 4 }), lineEnd)
      // A carriage return before a line feed would be one line end, not two.
      .map(([lines, end]) => `${lines.join('').replace(/\r$/, end === '\n' ? '\r\n' : '\r')}${end}`),
    { maxLength: 6 },
  )
  .map((events) => events.join(''))
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })

describe('a stream of events', () => {
  it('gives the same events wherever it is cut', () => {
    fc.assert(
      fc.property(streamText, cuts, (text, at) => {
        const bytes = encoder.encode(text)
        const whole = scan([bytes])
        expect(scan(cut(bytes, at))).toEqual(whole)
        expect(scan([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(whole)
      }),
      runs(500),
    )
  })

  it('gives the events of the standard, whichever line ends are mixed', () => {
    fc.assert(
      fc.property(streamText, cuts, (text, at) => {
        const { events, rest } = scan(cut(encoder.encode(text), at))
        const all = rest === undefined ? events : [...events, rest]
        expect(all.map(({ name, data, status }) => ({ name, data, status }))).toEqual(byTheBook(text))
      }),
      runs(500),
    )
  })

  it('gives back every byte, also of what is no stream of events', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), cuts, (bytes, at) => {
        const { events, rest } = scan(cut(bytes, at))
        const all = [...events, ...(rest === undefined ? [] : [rest])].flatMap((event) => [...event.bytes])
        expect(all).toEqual([...bytes])
      }),
      runs(),
    )
  })

  it('joins lines of data by newlines, empty ones too', () => {
    expect(scanText('data: one\ndata:two\n\n')[0]?.data).toBe('one\ntwo')
    expect(scanText('data:\ndata: x\n\n')[0]?.data).toBe('\nx')
  })

  it('takes one blank off the beginning of the data, not more', () => {
    expect(scanText('data:  x\n\n')[0]?.data).toBe(' x')
    expect(scanText('data:x\n\n')[0]?.data).toBe('x')
  })

  it('reads name and status of an error inside a stream', () => {
    const [event] = scanText('id:1\nevent:error\n:HTTP_STATUS/429\ndata:{"code":"Throttling"}\n\n')
    expect(event).toMatchObject({ name: 'error', status: 429, data: '{"code":"Throttling"}' })
  })

  it('passes comments over', () => {
    expect(scanText(': keep-alive\n\n', 'data: x\n\n').map(({ data }) => data)).toEqual(['', 'x'])
    expect(scanText(':HTTP_STATUS/\n\n')[0]?.status).toBeUndefined()
  })

  it('keeps characters of several bytes whole when they are cut', () => {
    const bytes = encoder.encode('data: 水闸👍\n\n')
    for (let at = 1; at < bytes.length; at++) {
      expect(scan([bytes.subarray(0, at), bytes.subarray(at)]).events[0]?.data).toBe('水闸👍')
    }
  })

  it('sees the end of an event that carriage returns alone make, before a later line feed', () => {
    expect(scanText('data: a\r\rdata: b\n\n').map(({ data }) => data)).toEqual(['a', 'b'])
    expect(scanText('data: a\r\r\ndata: b\n\n').map(({ data }) => data)).toEqual(['a', 'b'])
  })

  it('does not hold back an event whose end is there', () => {
    for (const end of ['\n\n', '\r\n\r\n', '\n\r\n', '\r\n\n']) {
      expect(new SseScanner().push(encoder.encode(`data: x${end}`))).toHaveLength(1)
    }
  })

  it('gives what comes after the last empty line as the rest, once', () => {
    const scanner = new SseScanner()
    expect(scanner.push(encoder.encode('data: a\n\ndata: b\n'))).toHaveLength(1)
    const rest = scanner.takeRest()
    expect(rest?.data).toBe('b')
    expect(decoder.decode(rest?.bytes)).toBe('data: b\n')
    expect(scanner.takeRest()).toBeUndefined()
  })
})
