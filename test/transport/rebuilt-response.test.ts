import { describe, expect, it } from 'vitest'
import { RebuiltResponse } from '../../src/transport/rebuilt-response.js'

const text = '{"usage":{"total_tokens":5},"水":"👍"}'
const bytes = new TextEncoder().encode(text)

/** An answer as `fetch` gives it, after a redirect. */
function served(status = 203, type = 'application/json'): Response {
  const init = { status: 200, statusText: 'Maybe', headers: { 'content-type': type, 'x-request-id': 'r1' } }
  return Object.defineProperties(new Response('read already', init), {
    status: { value: status },
    ok: { value: status < 300 },
    url: { value: 'https://host/path' },
    redirected: { value: true },
    type: { value: 'basic' },
  })
}

/** Everything that can be done with a body; each resolves to its text. */
const ways: Readonly<Record<string, (response: Response) => Promise<string>>> = {
  json: async (r) => JSON.stringify(await r.json()),
  text: (r) => r.text(),
  arrayBuffer: async (r) => new TextDecoder().decode(await r.arrayBuffer()),
  blob: async (r) => (await r.blob()).text(),
  body: async (r) => new Response(r.body).text(),
  clone: async (r) => r.clone().text(),
  'iterating over body': async (r) => {
    const pieces: Uint8Array[] = []
    for await (const piece of r.body as unknown as AsyncIterable<Uint8Array>) pieces.push(piece)
    return Buffer.concat(pieces).toString()
  },
}

function saysOfItself({ status, statusText, ok, url, redirected, type, headers }: Response): unknown {
  return { status, statusText, ok, url, redirected, type, headers: Object.fromEntries(headers) }
}

describe('a rebuilt Response', () => {
  it.each([200, 203, 429, 599, 199, 600, 999])('of status %i says of itself what the original does', (status) => {
    const original = served(status)
    const rebuilt = new RebuiltResponse(original, bytes)
    for (const each of [rebuilt, rebuilt.clone(), rebuilt.clone().clone()]) {
      expect(saysOfItself(each)).toEqual(saysOfItself(original))
      expect(each).toBeInstanceOf(Response)
    }
  })

  it.each(Object.entries(ways))('can be read by %s, once', async (name, way) => {
    const response = new RebuiltResponse(served(), bytes)
    expect(response.bodyUsed).toBe(false)
    expect(await way(response)).toBe(text)
    expect(response.bodyUsed).toBe(name !== 'clone')
    if (name !== 'clone') await expect(response.text()).rejects.toBeInstanceOf(TypeError)
  })

  it('leaves a clone and the one that was cloned both readable', async () => {
    const response = new RebuiltResponse(served(), bytes)
    const clone = response.clone()
    expect([await clone.text(), await response.text()]).toEqual([text, text])
  })

  it('can be rebuilt again: under two limiters', async () => {
    const once = new RebuiltResponse(served(), bytes)
    const again = new RebuiltResponse(once, await once.arrayBuffer())
    expect(saysOfItself(again)).toEqual(saysOfItself(served()))
    expect(await again.text()).toBe(text)
  })

  it('may have no body', () => {
    const rebuilt = new RebuiltResponse(new Response(null, { status: 204 }), null)
    expect([rebuilt.status, rebuilt.body]).toEqual([204, null])
  })

  it('takes other headers, and leaves those of the original', () => {
    const original = served()
    const rebuilt = new RebuiltResponse(original, null, new Headers({ 'x-other': '1' }))
    expect([...rebuilt.headers]).toEqual([['x-other', '1']])
    rebuilt.headers.set('x-other', '2')
    expect(original.headers.has('x-other')).toBe(false)
  })

  it('gets no header of its own from bytes', () => {
    expect([...new RebuiltResponse(new Response(null), bytes).headers]).toEqual([])
  })

  it('gives a form as a form', async () => {
    const original = served(200, 'application/x-www-form-urlencoded')
    const form = await new RebuiltResponse(original, new TextEncoder().encode('a=1&b=2')).formData()
    expect(Object.fromEntries(form)).toEqual({ a: '1', b: '2' })
  })
})
