import { describe, expect, it } from 'vitest'
import { readableAgain, ReadBody } from '../../src/transport/read-body.js'

const text = '{"usage":{"total_tokens":5},"水":"👍"}'
const bytes = new TextEncoder().encode(text)

async function read(content: BodyInit = bytes, type = 'application/json'): Promise<Response> {
  const init = { status: 201, statusText: 'Made', headers: { 'content-type': type, 'x-request-id': 'r1' } }
  const response = new Response(content, init)
  return readableAgain(response, new ReadBody(await response.arrayBuffer()))
}

/** What can be done with a body, each as a text. */
const ways: Readonly<Record<string, (response: Response) => Promise<string>>> = {
  json: async (r) => JSON.stringify(await r.json()),
  text: (r) => r.text(),
  arrayBuffer: async (r) => new TextDecoder().decode(await r.arrayBuffer()),
  bytes: async (r) => new TextDecoder().decode(await (r as unknown as { bytes(): Promise<Uint8Array> }).bytes()),
  blob: async (r) => (await r.blob()).text(),
  body: async (r) => new Response(r.body).text(),
  clone: async (r) => r.clone().text(),
  'iterating over body': async (r) => {
    const pieces: Uint8Array[] = []
    for await (const piece of r.body as unknown as AsyncIterable<Uint8Array>) pieces.push(piece)
    return Buffer.concat(pieces).toString()
  },
}

describe('an answer whose body was read', () => {
  it.each(Object.entries(ways))('can be read again by %s', async (name, way) => {
    const response = await read()
    expect(response.bodyUsed).toBe(false)
    expect(await way(response)).toBe(text)
    expect(response.bodyUsed).toBe(name !== 'clone')
  })

  const twice = Object.keys(ways).flatMap((first) => Object.keys(ways).map((second) => [first, second] as const))

  it.each(twice)('by %s and then by %s it does what one would that was never read', async (first, second) => {
    const outcome = async (response: Response) => {
      await ways[first]!(response)
      return ways[second]!(response).catch((error: unknown) => (error as Error).name)
    }
    // Node 20 has no bytes() of its own.
    const fresh = new Response(bytes)
    Object.defineProperty(fresh, 'bytes', { value: async () => new Uint8Array(await fresh.arrayBuffer()) })
    expect(await outcome(await read())).toBe(await outcome(fresh))
  })

  it('says the same of itself, its clones too', async () => {
    const response = await read()
    for (const each of [response, response.clone()]) {
      expect([each.status, each.statusText, each.ok, each.headers.get('x-request-id')]).toEqual([
        201,
        'Made',
        true,
        'r1',
      ])
      expect(each).toBeInstanceOf(Response)
    }
  })

  it('can be looked at before it is read: body is there, and locks it', async () => {
    const response = await read()
    expect(response.body).toBe(response.body)
    expect(await response.json()).toEqual(JSON.parse(text))
    const locked = await read()
    locked.body!.getReader()
    await expect(locked.json()).rejects.toBeInstanceOf(TypeError)
  })

  it('that is no JSON says so as one would that was never read', async () => {
    const words = async (response: Response) => response.json().catch((error: unknown) => String(error))
    expect(await words(await read('<html>'))).toBe(await words(new Response('<html>')))
    expect(await words(await read(''))).toBe(await words(new Response('')))
    expect(await (await read('<html>')).text()).toBe('<html>')
  })

  it('gives a form as a form', async () => {
    const form = await (await read('a=1&b=2', 'application/x-www-form-urlencoded')).formData()
    expect([...form]).toEqual([
      ['a', '1'],
      ['b', '2'],
    ])
  })

  it('can be made readable once more after that: under two limiters', async () => {
    const once = await read()
    const again = readableAgain(once, new ReadBody(await once.arrayBuffer()))
    expect(await again.json()).toEqual(JSON.parse(text))
    await expect(again.text()).rejects.toBeInstanceOf(TypeError)
  })

  it('with nothing that is null for JSON: null is its JSON', async () => {
    expect(await (await read('null')).json()).toBeNull()
  })
})
