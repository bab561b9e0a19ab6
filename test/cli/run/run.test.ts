import { execFileSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../../src/simulator/index.js'
import { settlePromises, VirtualClock } from '../../support/virtual-clock.js'
import { run, runIn } from '../terminal.js'
import { lineOf, lines } from '../../support/batch-lines.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const KEY = 'sk-0123456789abcdef'

interface Place {
  readonly simulator: Simulator
  readonly input: string
  readonly output: string
  /** The flags that go with every run here. */
  readonly to: readonly string[]
}

async function place(content: string | Uint8Array, options: SimulatorOptions = {}): Promise<Place> {
  const folder = await temporaryFolder()
  const simulator = await startSimulator({ latency: { firstTokenMs: 1, perTokenMs: 0, jitter: 0 }, ...options })
  onTestFinished(() => simulator.close())
  const [input, output] = [join(folder, 'in.jsonl'), join(folder, 'out.jsonl')]
  await writeFile(input, content)
  const limits = ['--rpm', '1000000', '--tpm', '100000000', '--ramp-up', '0']
  return { simulator, input, output, to: ['--base-url', simulator.url, ...limits] }
}

const recordsIn = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map(
      (line) =>
        JSON.parse(line) as { custom_id: string; response: unknown; error: { code: string; line?: number } | null },
    )
const recordsOf = async (path: string) => recordsIn(await readFile(path, 'utf8'))
const sent = (simulator: Simulator): number => simulator.ledger().entries.length

/** By the clock of the service: an answer is due when a timer of it is set. */
const ANSWERS_LATER = { firstTokenMs: 400, perTokenMs: 0, jitter: 0 }
const MINUTE_MS = 60_000

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await settlePromises()
}

describe('headgate run', () => {
  it('answers all lines, and does nothing a second time', async () => {
    const { simulator, input, output, to } = await place(lines(30))
    const first = run('run', input, '-o', output, ...to)
    expect(await first.code).toBe(0)
    expect(first.out).toBe('')
    expect(first.err).toMatch(/succeeded +30\n/)
    expect((await recordsOf(output)).map(({ custom_id }) => custom_id).sort()).toEqual(
      Array.from({ length: 30 }, (_, i) => `id-${i}`).sort(),
    )
    const before = await readFile(output)
    const second = run('run', input, '-o', output, ...to)
    expect(await second.code).toBe(0)
    expect(second.err).toContain('30 are done already')
    expect(await readFile(output)).toEqual(before)
    expect(sent(simulator)).toBe(30)
  })

  it('goes on with a line that was torn, and says so', async () => {
    const { simulator, input, output, to } = await place(lines(5))
    await run('run', input, '-o', output, ...to).code
    await writeFile(output, (await readFile(output)).subarray(0, -20))
    const again = run('run', input, '-o', output, ...to)
    expect(await again.code).toBe(0)
    expect(again.err).toContain('not whole was cut off')
    expect(new Set((await recordsOf(output)).map(({ custom_id }) => custom_id)).size).toBe(5)
    expect(sent(simulator)).toBe(6)
  })

  it('takes plain prompts, by the standard input and output, and says that this cannot be resumed', async () => {
    const { simulator, to } = await place('')
    const command = runIn(
      { input: '{"prompt":"a"}\n{"messages":[{"role":"user","content":"b"}]}\n' },
      'run',
      '-',
      '-o',
      '-',
      '--model',
      'qwen-max',
      ...to,
    )
    expect(await command.code).toBe(0)
    expect(
      recordsIn(command.out)
        .map(({ custom_id }) => custom_id)
        .sort(),
    ).toEqual(['line-1', 'line-2'])
    expect(command.err).toContain('cannot be resumed')
    expect(simulator.ledger().entries.map(({ model }) => model)).toEqual(['qwen-max', 'qwen-max'])
  })

  it('reads and writes .gz', async () => {
    const { input, output, to } = await place('')
    await writeFile(`${input}.gz`, gzipSync(lines(12)))
    for (const _ of [1, 2]) expect(await run('run', `${input}.gz`, '-o', `${output}.gz`, ...to).code).toBe(0)
    expect(recordsIn(gunzipSync(await readFile(`${output}.gz`)).toString())).toHaveLength(12)
  })

  it('does lines again that failed, only where it is asked to', async () => {
    let fails = true
    const { simulator, input, output, to } = await place(lines(6), {
      fail: ({ n }) => (fails && n % 2 === 0 ? { status: 400 } : undefined),
    })
    const first = run('run', input, '-o', output, ...to)
    expect(await first.code).toBe(1)
    fails = false
    expect(await run('run', input, '-o', output, ...to).code).toBe(1)
    expect(sent(simulator)).toBe(6)
    expect(await run('run', input, '-o', output, ...to, '--retry-errors').code).toBe(0)
    expect(sent(simulator)).toBe(9)
    const records = await recordsOf(output)
    expect(records.map(({ custom_id }) => custom_id).sort()).toEqual(['id-0', 'id-1', 'id-2', 'id-3', 'id-4', 'id-5'])
    expect(records.every(({ error }) => error === null)).toBe(true)
  })

  it('writes what fails to a file of its own, and resumes by both', async () => {
    const { simulator, input, output, to } = await place(`${lines(3)}nonsense\n`, {
      fail: ({ n }) => (n === 1 ? { status: 400 } : undefined),
    })
    const errors = `${output}.errors`
    for (const _ of [1, 2]) expect(await run('run', input, '-o', output, '--errors', errors, ...to).code).toBe(1)
    expect(await recordsOf(output)).toHaveLength(2)
    expect(await recordsOf(errors)).toHaveLength(2)
    expect(sent(simulator)).toBe(3)
  })

  it('takes no file of errors of another output: its lines would count as done', async () => {
    const { simulator, input, output, to } = await place(`${lines(3)}nonsense\n`)
    const other = `${output}.other`
    const errors = `${output}.errors`
    await run('run', input, '-o', other, '--errors', errors, ...to).code
    await run('run', input, '-o', output, ...to).code
    const before = await readFile(errors)
    const command = run('run', input, '-o', output, '--errors', errors, ...to)
    expect(await command.code).toBe(4)
    expect(command.err).toContain('was begun for another output')
    expect(await readFile(errors)).toEqual(before)
    expect(sent(simulator)).toBe(6)
  })

  it('says why lines failed', async () => {
    const { input, output, to } = await place(lines(5), {
      fail: ({ n }) =>
        n <= 3
          ? { status: 400, body: { error: { code: 'invalid_parameter', message: 'A bad\n\u001b[31mone' } } }
          : undefined,
    })
    const command = run('run', input, '-o', output, ...to)
    expect(await command.code).toBe(1)
    expect(command.err).toContain('Why lines failed:\n  invalid_parameter (3): A bad [31mone\n')
  })

  it('moves to a backup when a quota is used up', async () => {
    const { simulator, input, output, to } = await place(lines(8))
    simulator.setState({ kind: 'free-quota' }, 'qwen-plus')
    const command = run('run', input, '-o', output, ...to, '--fallback', 'qwen-flash')
    expect(await command.code).toBe(0)
    expect(simulator.ledger().models['qwen-flash']!.admitted).toBe(8)
  })

  it('stops with 3 at a quota that is used up, and goes on when it is back', async () => {
    const { simulator, input, output, to } = await place(lines(40))
    simulator.setState({ kind: 'free-quota', afterTokens: 200 }, 'qwen-plus')
    const command = run('run', input, '-o', output, ...to, '--concurrency', '4')
    expect(await command.code).toBe(3)
    expect(command.err).toMatch(/headgate: Stopped: The quota of 'qwen-plus' is used up.*The same command goes on/)
    const done = (await recordsOf(output)).length
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(40)
    simulator.setState(undefined, 'qwen-plus')
    expect(await run('run', input, '-o', output, ...to).code).toBe(0)
    expect((await recordsOf(output)).map(({ error }) => error)).toEqual(Array.from({ length: 40 }, () => null))
  })

  it('stops with 1 where the service does not answer, and goes on with --retry-errors', async () => {
    const { simulator, input, output, to } = await place(lines(400))
    const gone = await startSimulator()
    await gone.close()
    const flags = ['--rpm', '1000000', '--tpm', '100000000', '--ramp-up', '0', '--max-attempts', '1']
    const command = run('run', input, '-o', output, '--base-url', gone.url, ...flags, '--concurrency', '8', '--json')
    expect(await command.code).toBe(1)
    const told =
      /^headgate: The service does not answer \(fetch failed: .*ECONNREFUSED.*\): stopped after 50 lines; the same command with --retry-errors goes on\.$/m
    expect(command.err).toMatch(told)
    expect(JSON.parse(command.out)).toMatchObject({ summary: { stop: { why: 'unreachable', lines: 50 } } })
    expect((await recordsOf(output)).length).toBeLessThan(60)
    expect(await run('run', input, '-o', output, ...to, '--retry-errors').code).toBe(0)
    expect(sent(simulator)).toBe(400)
    expect((await recordsOf(output)).map(({ error }) => error)).toEqual(Array.from({ length: 400 }, () => null))
  })

  it('finishes what is in flight when it is interrupted, ends with 130 and can be resumed', async () => {
    const clock = new VirtualClock()
    const { simulator, input, output, to } = await place(lines(50), { clock, latency: ANSWERS_LATER })
    const command = run('run', input, '-o', output, ...to, '--concurrency', '2')
    await until(() => clock.pending === 2)
    command.interrupt()
    await clock.advance(400)
    expect(await command.code).toBe(130)
    expect(command.err).toMatch(/Interrupted\. The same command goes on from here\./)
    expect(await recordsOf(output)).toHaveLength(2)
    expect(sent(simulator)).toBe(2)
  })

  it('does not send what waits for its limits when it is interrupted', async () => {
    let interrupt = (): void => undefined
    const { simulator, input, output, to } = await place(lines(50), { fail: () => void interrupt() })
    const command = run('run', input, '-o', output, ...to, '--rpm', '300', '--ramp-up', '0')
    interrupt = () => command.interrupt()
    expect(await command.code).toBe(130)
    expect(await recordsOf(output)).toHaveLength(sent(simulator))
    expect(sent(simulator)).toBeLessThan(5)
  })

  it('takes no lines before --start-at and none after --until', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: Date.UTC(2026, 8, 19, 21, 0) })
    onTestFinished(() => void vi.useRealTimers())
    const clock = new VirtualClock()
    const { simulator, input, output, to } = await place(lines(50), { clock, latency: ANSWERS_LATER })
    const flags = ['--start-at', '2026-09-19T22:30Z', '--until', '2026-09-19T22:31Z', '--concurrency', '3']
    const command = run('run', input, '-o', output, ...to, ...flags)
    await until(() => command.err.includes('Begins at 2026-09-19T22:30:00.000Z'))
    await vi.advanceTimersByTimeAsync(89 * MINUTE_MS)
    expect(sent(simulator)).toBe(0)
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    await until(() => clock.pending === 3)
    await clock.advance(400)
    await until(() => clock.pending === 3)
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    await clock.advance(400)
    expect(await command.code).toBe(130)
    expect(command.err).toMatch(/its time is over\. The same command goes on/)
    expect(sent(simulator)).toBe(6)
    expect(await recordsOf(output)).toHaveLength(6)
  })

  it('says what it would do, and does nothing, with --dry-run', async () => {
    const { simulator, input, output, to } = await place(`${lines(3)}nonsense\n`)
    const command = run('run', input, '-o', output, ...to, '--dry-run')
    expect(await command.code).toBe(1)
    expect(command.out).toMatch(/^qwen-plus +3 +\d+ +9 +0 s +rps/m)
    expect(command.out).toMatch(/4 lines; nothing was sent\.\n$/)
    expect(command.err).toMatch(/1 lines cannot be sent:\n {2}line 4: it is not valid JSON/)
    expect(sent(simulator)).toBe(0)
    expect(await readdir(join(output, '..'))).toEqual(['in.jsonl'])
  })

  it('says what the answers cost by a file of prices', async () => {
    const { input, output, to } = await place(lines(3) + lineOf('other', 'qwen-max'))
    const prices = `${output}.prices.json`
    await writeFile(prices, JSON.stringify({ 'qwen-plus': { input: 0, output: 200_000, currency: 'USD' } }))
    const command = run('run', input, '-o', output, ...to, '--prices', prices)
    expect(await command.code).toBe(0)
    // Three answers of three tokens.
    expect(command.err).toMatch(/cost +1\.80 USD, without 1 answers whose price is not known\n/)
    const wrong = run('run', input, '-o', output, ...to, '--prices', './none.json')
    expect(await wrong.code).toBe(4)
  })

  it('prints its result as JSON, and nothing at all where it is to be quiet', async () => {
    const { input, output, to } = await place(lines(3))
    const json = run('run', input, '-o', output, ...to, '--json')
    expect(await json.code).toBe(0)
    expect(JSON.parse(json.out)).toMatchObject({ summary: { succeeded: 3, failed: 0 }, resumable: true })
    expect(json.err).toBe('')
    const quiet = run('run', input, '-o', `${output}.2`, ...to, '--quiet')
    expect(await quiet.code).toBe(0)
    expect(quiet.out + quiet.err).toBe('')
  })

  it('sends the key of the environment, and shows it nowhere', async () => {
    const { simulator, input, output, to } = await place(lines(3), { apiKeys: [KEY] })
    const flags = ['run', input, '-o', output, ...to, '--api-key-env', 'MY_KEY']
    const wrong = runIn({ env: { MY_KEY: 'sk-wrong-wrong-wrong' } }, ...flags)
    expect(await wrong.code).toBe(2)
    expect(wrong.err).toContain('does not know the API key')
    const missing = runIn({}, ...flags)
    expect(await missing.code).toBe(2)
    expect(missing.err).toContain('no MY_KEY')
    const right = runIn({ env: { MY_KEY: KEY } }, ...flags)
    expect(await right.code).toBe(0)
    expect(simulator.ledger().entries.filter(({ status }) => status === 200)).toHaveLength(3)
    const written = right.err + wrong.err + (await readFile(output, 'utf8'))
    expect(written).not.toMatch(/sk-/)
  })
})

describe('bad input', () => {
  const good = lineOf('good')
  it.each<[string, string | Buffer, string, number, number]>([
    ['broken JSON', `{"a":\n${good}`, 'invalid_json_line', 1, 1],
    ['invalid UTF-8', Buffer.concat([Buffer.from(good), Buffer.from([0xff, 0x0a])]), 'invalid_utf8', 2, 1],
    ['a double custom_id', good + good, 'duplicate_custom_id', 2, 1],
    [
      'a missing body',
      `${good}\n{"custom_id":"b","method":"POST","url":"/v1/chat/completions"}`,
      'missing_required_parameter',
      3,
      1,
    ],
    ['an unknown url', good + lineOf('b').replace('/v1/chat/completions', '/v1/odd'), 'invalid_url', 2, 1],
  ])('%s is told of by its line, and the rest goes on', async (_, content, code, line, answered) => {
    const { simulator, input, output, to } = await place(content)
    const first = run('run', input, '-o', output, ...to)
    expect(await first.code).toBe(1)
    expect(first.err).toMatch(new RegExp(`1 lines cannot be sent:\\n  line ${line}: `))
    expect(await run('run', input, '-o', output, ...to).code).toBe(1)
    const failed = (await recordsOf(output)).filter(({ error }) => error !== null)
    expect(failed.map(({ error }) => error)).toEqual([expect.objectContaining({ code, line })])
    expect(sent(simulator)).toBe(answered)
    const strict = run('run', input, '-o', `${output}.strict`, ...to, '--strict')
    expect(await strict.code).toBe(4)
    expect(strict.err).toContain(`line ${line}: `)
    expect(sent(simulator)).toBe(answered)
  })

  it('a byte order mark and CRLF are none, nor is a line of 10 MB', async () => {
    const { simulator, input, output, to } = await place(`\ufeff${lines(2).replaceAll('\n', '\r\n')}`)
    expect(await run('run', input, '-o', output, ...to).code).toBe(0)
    await writeFile(`${input}.2`, lineOf('x'.repeat(5_000_000)) + lineOf('b'))
    const long = run('run', `${input}.2`, '-o', `${output}.2`, ...to)
    expect(await long.code).toBe(0)
    expect(sent(simulator)).toBe(4)
  })

  it.each<[string, (place: Place) => string, RegExp]>([
    ['an empty file', ({ input }) => input, /is empty: there is nothing to send/],
    ['a directory', () => tmpdir(), /is a directory/],
    ['no file', () => './nowhere.jsonl', /'\.\/nowhere\.jsonl' does not exist/],
  ])('%s ends with 4', async (_, inputOf, message) => {
    const here = await place('\n')
    const command = run('run', inputOf(here), '-o', here.output, ...here.to)
    expect(await command.code).toBe(4)
    expect(command.err).toMatch(message)
  })
})

describe('trouble with files', () => {
  it('an input that changed is told of before anything is sent', async () => {
    const { simulator, input, output, to } = await place(lines(3))
    await run('run', input, '-o', output, ...to).code
    const before = await readFile(output)
    await writeFile(input, lines(4))
    const command = run('run', input, '-o', output, ...to)
    expect(await command.code).toBe(4)
    expect(command.err).toMatch(/has changed since the output .* was begun \(3 lines .*, 4 .*\)/)
    expect(await readFile(output)).toEqual(before)
    expect(sent(simulator)).toBe(3)
  })

  it('an output that is somebody else’s is left alone', async () => {
    const { simulator, input, output, to } = await place(lines(3))
    await writeFile(output, lineOf('not-an-output'))
    const command = run('run', input, '-o', output, ...to)
    expect(await command.code).toBe(4)
    expect(await readFile(output, 'utf8')).toBe(lineOf('not-an-output'))
    expect(sent(simulator)).toBe(0)
  })

  it('an output that cannot be written is told of before anything is sent', async () => {
    const { simulator, input, output, to } = await place(lines(3))
    const command = run('run', input, '-o', join(output, 'below'), ...to)
    expect(await command.code).toBe(4)
    expect(command.err).toContain('cannot be written')
    expect(sent(simulator)).toBe(0)
  })

  it('a second run of an output that one writes to is refused, and nothing is sent twice', async () => {
    const clock = new VirtualClock()
    const { simulator, input, output, to } = await place(lines(20), { clock, latency: ANSWERS_LATER })
    const first = run('run', input, '-o', output, ...to)
    await until(() => clock.pending === 20)
    const second = run('run', input, '-o', output, ...to)
    expect(await second.code).toBe(4)
    expect(second.err).toContain('another run is writing to the output')
    await clock.advance(400)
    expect(await first.code).toBe(0)
    expect(sent(simulator)).toBe(20)
    expect(await recordsOf(output)).toHaveLength(20)
    expect(await run('run', input, '-o', output, ...to).code).toBe(0)
  })

  it.skipIf(process.platform === 'win32')('an input that can be read once must come by -', async () => {
    const { input, output, to } = await place('')
    execFileSync('mkfifo', [`${input}.pipe`])
    const command = run('run', `${input}.pipe`, '-o', output, ...to)
    expect(await command.code).toBe(4)
    expect(command.err).toContain('give - as the input')
  })

  it('is told of before the time of --start-at', async () => {
    const { input, output, to } = await place(lines(3))
    const startAt = new Date(Date.now() + 3_600_000).toISOString()
    const missing = run('run', `${input}.not`, '-o', output, ...to, '--start-at', startAt)
    expect(await missing.code).toBe(4)
    const nowhere = run('run', input, '-o', output, '--base-url', 'localhost:80/v1', '--start-at', startAt)
    expect(await nowhere.code).toBe(2)
    expect(nowhere.err).toContain("The base URL 'localhost:80/v1' is none")
  })

  it('the input as output is wrong use', async () => {
    const { input, to } = await place(lines(3))
    const command = run('run', input, '-o', input, ...to)
    expect(await command.code).toBe(2)
    expect(await readFile(input, 'utf8')).toBe(lines(3))
  })
})

describe('wrong use of run', () => {
  it.each<[string[], RegExp]>([
    [['in.jsonl'], /-o, --output/],
    [['in.jsonl', '-o', 'out', '--start-at', 'soon'], /--start-at.*22:30/],
    [['in.jsonl', '-o', 'out', '--until', '2020-01-01T00:00'], /is over/],
    [['in.jsonl', '-o', 'out', '--concurrency', '0'], /1 or more/],
    [['in.jsonl', '-o', 'out', '--limits', 'paris'], /no built-in limits 'paris'/],
    [['in.jsonl', '-o', 'out', '--base-url', 'nowhere'], /base URL|API key/],
  ])('%j ends with 2', async (flags, message) => {
    const command = runIn({ env: { DASHSCOPE_API_KEY: KEY, HEADGATE_API_KEY: KEY } }, 'run', ...flags)
    expect(await command.code).toBe(2)
    expect(command.err).toMatch(message)
  })
})
