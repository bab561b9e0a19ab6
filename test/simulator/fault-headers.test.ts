import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { azure, modelStudio, openai } from '../../src/simulator/index.js'
import type { Simulator, SimulatorOptions, StatusFault } from '../../src/simulator/index.js'
import { ManualClock } from './manual-clock.js'
import { messages, simulate } from './setup.js'

const model = 'any'
const body = JSON.stringify({ model, messages })

/** The response to one request as it is on the wire: the names and values of the headers, and the body. */
async function rawAnswer(simulator: Simulator, path: string): Promise<{ head: [string, string][]; text: string }> {
  const socket = connect(simulator.port, '127.0.0.1')
  socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
  let all = ''
  socket.on('data', (chunk) => {
    all += String(chunk)
  })
  await once(socket, 'close')
  const end = all.indexOf('\r\n\r\n')
  const head = all.slice(0, end).split('\r\n').slice(1)
  return {
    head: head.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
    text: all.slice(end + 4),
  }
}

async function faulty(fault: StatusFault, options: SimulatorOptions = {}): ReturnType<typeof rawAnswer> {
  const { simulator } = await simulate({
    clock: new ManualClock(),
    limits: { [model]: { rpm: 600 } },
    fail: () => fault,
    ...options,
  })
  const { head, text } = await rawAnswer(
    simulator,
    options.service === 'azure' ? '/openai/v1/chat/completions' : '/v1/chat/completions',
  )
  const names = head.map(([name]) => name)
  expect(names).toEqual([...new Set(names)])
  return { head, text }
}

describe('the headers of a scripted status', () => {
  it('can turn it into the HTML 502 of a gateway', async () => {
    const html = '<html>Bad Gateway</html>'
    const { head, text } = await faulty({ status: 502, body: html, headers: { 'Content-Type': 'text/html' } })
    expect(Object.fromEntries(head)).toMatchObject({
      'content-type': 'text/html',
      'content-length': String(html.length),
    })
    expect(text).toBe(html)
  })

  it.each([
    ['openai', openai],
    ['azure', azure],
    ['model-studio', modelStudio],
  ] as const)('replace those of %s with the same name, in any case', async (service, preset) => {
    const headers = {
      'X-Request-ID': 'mine',
      'x-ratelimit-remaining-requests': '0',
      'X-RateLimit-Limit-Tokens': '7',
      'Retry-After': '3',
    }
    const limits = { [model]: { rpm: 600, tpm: 1e6 } }
    const { head } = await faulty(
      { status: 429, charged: true, headers },
      { ...preset({ rateLimitHeaders: true }), service, limits },
    )
    expect(Object.fromEntries(head)).toMatchObject({
      'x-request-id': 'mine',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-limit-tokens': '7',
      'x-ratelimit-limit-requests': '600',
      'retry-after': '3',
    })
  })

  it('cannot set the length of the body', async () => {
    for (const headers of [{ 'Content-Length': '3' }, { 'transfer-encoding': 'chunked' }]) {
      const { head, text } = await faulty({ status: 503, body: { a: 1 }, headers })
      expect(head.filter(([name]) => /length|encoding/.test(name))).toEqual([['content-length', '7']])
      expect(text).toBe('{"a":1}')
    }
  })

  it('have no length for a 204, and a status below 200 becomes a 500', async () => {
    const { head, text } = await faulty({ status: 204 })
    expect(head.filter(([name]) => /length|encoding/.test(name))).toEqual([])
    expect(text).toBe('')
    expect((await faulty({ status: 100 })).text).toContain('a status below 200 does not end a response: 100')
  })
})
