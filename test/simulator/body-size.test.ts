import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BodySize } from '../../src/simulator/requests/body-size.js'
import { runs } from '../support/runs.js'

/** The bound that a body in these parts exceeds, and after how many of its bytes that was known. */
function measured(parts: readonly string[], plain: number, total: number): [number, number] | undefined {
  const size = new BodySize({ plain, total })
  let bytes = 0
  for (const part of parts) {
    bytes += part.length
    const exceeded = size.add(Buffer.from(part))
    if (exceeded !== undefined) return [exceeded, bytes]
  }
  return undefined
}

const piece = fc.oneof(
  fc.constantFrom('"', 'x', ';', ';base64', ';base64,', ';;base64,', 'base64,', ';base;base64,'),
  fc.nat(30).map((length) => `;base64,${'A'.repeat(length)}"`),
)

describe('the size of a body', () => {
  it('leaves out the data between ;base64, and the next quote, wherever the body is split into parts', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.infiniteStream(fc.nat(12)), (pieces, lengths) => {
        const body = pieces.join('')
        const plain = body.replaceAll(/(;base64,)[^"]*/g, '$1').length
        const parts: string[] = []
        for (let at = 0; at < body.length;) {
          const length = lengths.next().value ?? 1
          parts.push(body.slice(at, at + length))
          at += length
        }
        expect(measured(parts, plain, body.length)).toBeUndefined()
        if (plain > 0) expect(measured(parts, plain - 1, body.length)?.[0]).toBe(plain - 1)
        if (plain < body.length) expect(measured(parts, plain, body.length - 1)?.[0]).toBe(body.length - 1)
      }),
      runs(500),
    )
  })

  it('exceeds a bound at the first part that is above it', () => {
    expect(measured(['aaaa', 'aaaa', 'aaaa'], 7, 100)).toEqual([7, 8])
    expect(measured([';base64,', 'AAAA', 'AAAA', 'AAAA'], 8, 13)).toEqual([13, 16])
  })
})
