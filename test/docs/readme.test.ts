import { EventEmitter } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { Progress } from '../../src/cli/run/progress.js'
import type { Terminal } from '../../src/cli/terminal/terminal.js'
import type { RunStatus } from '../../src/cli/run/run-status.js'
import { readPage } from './pages.js'

const readme = readPage('README.md')

describe('the README', () => {
  test('is short enough to be read', () => {
    expect(readme.text.trimEnd().split('\n').length).toBeLessThanOrEqual(180)
  })

  test('has the picture of a run that a terminal shows', () => {
    const picture = readme.blocks.find(({ language }) => language === 'text')!
    const found = picture.text
      .replaceAll(',', '')
      .match(/[\d]+(?=\D)/g)!
      .map(Number)
    const [percent, minutes, seconds, done, total, failed, inFlight, waiting, rate, rpm, tokens, tpm] = found
    expect(percent).toBe(Math.floor((100 * done!) / total!))
    const counts = {
      total,
      done,
      failed,
      inFlight,
      waiting,
      rpm,
      tpm,
      requestsPerMinute: rate,
      tokensPerMinute: tokens,
    }
    const leftMs = (60 * minutes! + seconds!) * 1000
    const status = { ...counts, bound: 'rps', throttled: 0, leftMs, elapsedMs: 0 } as unknown as RunStatus
    const shown = shownOf(status)
    for (const line of picture.text.trimEnd().split('\n')) expect(shown).toContain(line)
  })
})

/** What `headgate run` writes to a terminal of 80 columns. */
function shownOf(status: RunStatus): string {
  vi.useFakeTimers()
  let text = ''
  const screen = Object.assign(new EventEmitter(), {
    isTTY: true,
    columns: 80,
    rows: 24,
    write: (part: string) => void (text += part),
  })
  const terminal = { screen, out: () => {}, err: () => {} } as unknown as Terminal
  const progress = new Progress({ terminal, json: false, quiet: false, status: () => status })
  progress.begin()
  vi.advanceTimersByTime(1000)
  progress.end()
  vi.useRealTimers()
  return text
}
