import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { duration, Progress } from '../../../src/cli/run/progress.js'
import type { RunStatus } from '../../../src/cli/run/run-status.js'
import type { Terminal } from '../../../src/cli/terminal/terminal.js'

const STATUS: RunStatus = {
  total: 1319,
  done: 220,
  failed: 2,
  inFlight: 4,
  waiting: 253,
  requestsPerMinute: 571.4,
  tokensPerMinute: 98_765,
  rpm: 600,
  tpm: undefined,
  bound: 'rps',
  throttled: 1,
  cost: 0.5,
  expectedCost: 3,
  currency: 'USD',
  unpriced: 0,
  leftMs: 115_395,
  elapsedMs: 50_000,
}
const LINE =
  '220 of 1,319 done, 2 failed · 4 in flight, 253 waiting · 1m55s left · 571 of 600 requests/min · 98,765 tokens/min' +
  ' · bound by rps · 1 429s · 0.5000 of about 3.00 USD\n'

/** What a progress writes where there is a screen, or none. */
function begun(options: { json?: boolean; quiet?: boolean; onScreen?: boolean; columns?: number; status?: RunStatus }) {
  const written = { err: '', screen: '' }
  const screen = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.screen += chunk.toString()
      done()
    },
  })
  Object.assign(screen, { isTTY: true, columns: options.columns ?? 300 })
  const terminal = {
    err: (text: string) => void (written.err += text),
    screen: options.onScreen === true ? screen : undefined,
  } as unknown as Terminal
  const { json = false, quiet = false } = options
  const progress = new Progress({ terminal, json, quiet, status: () => options.status ?? STATUS })
  progress.begin()
  return { progress, written }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('the progress of a run', () => {
  it('is a plain line every five seconds where there is no terminal', () => {
    const { progress, written } = begun({})
    vi.advanceTimersByTime(4999)
    expect(written.err).toBe('')
    vi.advanceTimersByTime(5001)
    expect(written.err).toBe(LINE + LINE)
    progress.end()
    vi.advanceTimersByTime(20_000)
    expect(written.err).toBe(LINE + LINE)
  })

  it('is a line of JSON with json, a screen or none', () => {
    const { written } = begun({ json: true, onScreen: true })
    vi.advanceTimersByTime(5000)
    expect(JSON.parse(written.err)).toEqual({ progress: JSON.parse(JSON.stringify(STATUS)) })
    expect(written.screen).toBe('')
  })

  it('is nothing with quiet', () => {
    const { progress, written } = begun({ quiet: true, onScreen: true })
    vi.advanceTimersByTime(20_000)
    progress.end()
    expect(written).toEqual({ err: '', screen: '' })
  })

  it('tells all of it on a screen of 80 columns, of a large run too', () => {
    const large = { total: 1_000_000, done: 123_456, failed: 1234, inFlight: 256, waiting: 256, leftMs: 36_000_000 }
    const rates = { requestsPerMinute: 29_876, rpm: 30_000, tokensPerMinute: 9_876_543, tpm: 10_000_000 }
    const { progress, written } = begun({ onScreen: true, columns: 80, status: { ...STATUS, ...large, ...rates } })
    vi.advanceTimersByTime(1000)
    progress.end()
    // oxlint-disable-next-line no-control-regex
    const shown = written.screen.replace(/\x1b\[1G/g, '\n').replace(/\x1b\[[\d;?]*[a-zA-Z]/g, '')
    expect(Math.max(...shown.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80)
    for (const text of ['10h00m left', '256 waiting', '10,000,000 tokens/min', '1 429s', '0.5000 of about 3.00 USD'])
      expect(written.screen).toContain(text)
  })

  it('has no bar where nobody knows how many lines there are', () => {
    const { progress, written } = begun({ onScreen: true, status: { ...STATUS, total: undefined, leftMs: undefined } })
    vi.advanceTimersByTime(1000)
    progress.end()
    expect(written.screen).toContain('50s so far')
    expect(written.screen).toContain('220 done, 2 failed')
    expect(written.screen).not.toContain('%')
  })

  it('stays in its place on a screen, without colours', () => {
    const { progress, written } = begun({ onScreen: true })
    vi.advanceTimersByTime(1000)
    progress.end()
    expect(written.screen).toMatch(/16% {2}1m55s left[^\n]*\n[^\n]*220 of 1,319 done, 2 failed/)
    expect(written.screen).toContain('bound by rps')
    // Cursor movements only: no colour is ever set.
    // oxlint-disable-next-line no-control-regex
    expect(written.screen).not.toMatch(/\x1b\[[\d;]*m/)
    expect(written.err).toBe('')
  })
})

it.each([
  [900, '1s'],
  [200_000, '3m20s'],
  [3_725_000, '1h02m'],
])('%i ms are %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})
