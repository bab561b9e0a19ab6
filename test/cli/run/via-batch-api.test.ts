import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../../src/simulator/index.js'
import { LeapingClock } from '../../support/leaping-clock.js'
import { run, runIn, type Run } from '../terminal.js'
import { lineOf, lines } from '../../support/batch-lines.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

interface Place {
  readonly simulator: Simulator
  readonly clock: LeapingClock
  readonly input: string
  readonly output: string
  /** `headgate run` of the input by the Batch API. */
  run(...flags: string[]): Run
}

async function place(content: string, options: SimulatorOptions = {}): Promise<Place> {
  const folder = await temporaryFolder()
  const clock = new LeapingClock()
  const latency = { firstTokenMs: 0, perTokenMs: 0, jitter: 0 }
  const simulator = await startSimulator({ clock: clock.forServer, batch: { linesPerSecond: 1 }, latency, ...options })
  onTestFinished(() => simulator.close())
  const [input, output] = [join(folder, 'in.jsonl'), join(folder, 'out.jsonl')]
  await writeFile(input, content)
  return {
    simulator,
    clock,
    input,
    output,
    run: (...flags) =>
      runIn({ clock }, 'run', input, '-o', output, '--via', 'batch-api', '--base-url', simulator.url, ...flags),
  }
}

const batchesOf = async ({ simulator }: Place) =>
  (
    (await (await fetch(`${simulator.url}/batches`)).json()) as {
      data: { status: string; completion_window: string }[]
    }
  ).data

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

describe('headgate run --via batch-api', () => {
  it('answers all lines, tells how it stands when that changes, and what it cost', async () => {
    const here = await place(`${lines(150)}nonsense\n`)
    const prices = `${here.output}.prices.json`
    await writeFile(prices, JSON.stringify({ 'qwen-plus': { input: 0, output: 200_000, currency: 'USD' } }))
    const command = here.run('--prices', prices, '--completion-window', '48h')
    expect(await command.code).toBe(1)
    expect(command.out).toBe('')
    const told = command.err.split('\n')
    expect(told.slice(0, 5)).toEqual([
      '151 lines.',
      'batches: 1 validating · 0 of 150 lines done, 0 failed',
      'batches: 1 in_progress · 59 of 150 lines done, 0 failed',
      'batches: 1 in_progress · 119 of 150 lines done, 0 failed',
      'batches: 1 completed · 150 of 150 lines done, 0 failed',
    ])
    expect(command.err).toMatch(/1 lines cannot be sent:\n {2}line 151: /)
    expect(command.err).toMatch(/succeeded +150\n/)
    // 450 tokens at half the price.
    expect(command.err).toMatch(/cost +45\.00 USD\n/)
    expect(await batchesOf(here)).toMatchObject([{ completion_window: '48h' }])
    expect((await readFile(here.output, 'utf8')).trimEnd().split('\n')).toHaveLength(151)
    expect(await here.run('--quiet').code).toBe(1)
  })

  it('says nothing twice, and nothing at all where it is to be quiet', async () => {
    const here = await place(lines(3), { batch: { validateMs: 600_000 } })
    const command = here.run()
    expect(await command.code).toBe(0)
    expect(here.clock.waits.length).toBeGreaterThan(10)
    expect(command.err.match(/validating/g)).toHaveLength(1)
    const quiet = runIn(
      { clock: here.clock },
      'run',
      here.input,
      '-o',
      `${here.output}.2`,
      '--via',
      'batch-api',
      '--base-url',
      here.simulator.url,
      '--quiet',
    )
    expect(await quiet.code).toBe(0)
    expect(quiet.out + quiet.err).toBe('')
  })

  it('prints JSON', async () => {
    const here = await place(lines(3))
    const command = here.run('--json')
    expect(await command.code).toBe(0)
    expect(JSON.parse(command.out)).toMatchObject({
      summary: { succeeded: 3, unanswered: 0, underWay: 0 },
      resumable: true,
    })
    const told = command.err.trimEnd().split('\n')
    expect(JSON.parse(told.at(-1)!)).toMatchObject({
      progress: { batches: [{ part: 1, status: 'completed', completed: 3 }] },
    })
  })

  it('interrupted ends with 130 and leaves the batch, which the same command waits for, and a live run does not touch', async () => {
    const here = await place(lines(3))
    here.clock.onWait = () => 'for ever'
    const command = here.run()
    await until(() => here.clock.waits.length === 1)
    command.interrupt()
    expect(await command.code).toBe(130)
    expect(command.err).toMatch(/Interrupted\. A batch goes on at the service\. The same command waits .* --cancel/)
    const live = run('run', here.input, '-o', here.output, '--base-url', here.simulator.url)
    expect(await live.code).toBe(4)
    expect(live.err).toMatch(/a batch of the output .* is under way at the Batch API: .* paid twice/)
    here.clock.onWait = undefined
    expect(await here.run().code).toBe(0)
    expect(await batchesOf(here)).toHaveLength(1)
    expect(here.simulator.ledger().entries).toEqual([])
  })

  it('cancels, and submits again when it is run again', async () => {
    const here = await place(lines(3))
    here.clock.onWait = () => 'for ever'
    const command = here.run()
    await until(() => here.clock.waits.length === 1)
    command.interrupt()
    await command.code
    here.clock.onWait = undefined
    const cancel = here.run('--cancel')
    expect(await cancel.code).toBe(1)
    expect(cancel.err).toMatch(/3 lines have no answer\. The same command submits them again\./)
    expect((await batchesOf(here)).map(({ status }) => status)).toEqual(['cancelled'])
    expect(await here.run().code).toBe(0)
    expect(await batchesOf(here)).toHaveLength(2)
  })

  it('whose batch failed says why, and ends with 1', async () => {
    const here = await place(lineOf('a', 'odd'), { limits: { 'qwen-plus': { rpm: 60 } } })
    const command = here.run()
    expect(await command.code).toBe(1)
    expect(command.err).toMatch(
      /headgate: batch .* is failed: 1 of its 1 lines have no answer:\n {2}line 1 of the file: .*odd/,
    )
    expect(command.err).toMatch(/no answer +1\n/)
  })

  it('with a key that is not known ends with 2', async () => {
    const here = await place(lines(3), { apiKeys: ['sk-0123456789'] })
    const command = here.run()
    expect(await command.code).toBe(2)
    expect(command.err).toContain('does not know the API key')
  })

  it('with --dry-run says how many files it would be', async () => {
    const here = await place(lines(50_001) + lineOf('other', 'qwen-max') + 'nonsense\n')
    const command = here.run('--dry-run')
    expect(await command.code).toBe(1)
    expect(command.out).toMatch(
      /^qwen-plus {2}\/v1\/chat\/completions {2}50,000 lines {2}\d+\.\d MB\nqwen-plus .* {2}1 lines {2}0\.0 MB\nqwen-max .* {2}1 lines .*\n50,003 lines, 3 files; nothing was sent\.\n$/,
    )
    expect(command.err).toMatch(/1 lines cannot be sent:\n {2}line 50003: /)
    const json = here.run('--dry-run', '--json')
    await json.code
    expect(JSON.parse(json.out)).toMatchObject({
      files: [{ lines: 50_000 }, { lines: 1 }, { model: 'qwen-max' }],
      faults: 1,
    })
    expect(await readdir(join(here.output, '..'))).toEqual(['in.jsonl'])
  })

  it.each<[string[], RegExp]>([
    [['--via', 'fast'], /live, batch-api/],
    [['--via', 'batch-api', '--fallback', 'a'], /--fallback does nothing with --via batch-api/],
    [['--via', 'batch-api', '--ramp-up', '3'], /--ramp-up does nothing/],
    [['--via', 'batch-api', '--completion-window', 'soon'], /such as 24h/],
    [['--cancel'], /--cancel needs --via batch-api/],
    [['--completion-window', '24h'], /--completion-window needs --via batch-api/],
    [['--via', 'batch-api', '-o', '-'], /needs a file for input and for output/],
  ])('%j is wrong use', async (flags, message) => {
    const env = { DASHSCOPE_API_KEY: 'sk-0123456789' }
    const command = runIn({ env }, 'run', 'in.jsonl', '-o', 'out.jsonl', ...flags)
    expect(await command.code).toBe(2)
    expect(command.err).toMatch(message)
  })

  it('has nothing to cancel where there is no batch', async () => {
    const here = await place(lines(1))
    const command = here.run('--cancel')
    expect(await command.code).toBe(4)
    expect(command.err).toContain('nothing is known of it')
  })
})
