import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runIn } from '../terminal.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-plan-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, JSON.stringify(content))
  return path
}

const body = { model: 'a', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 20 }

const lineOf = (id: number): string =>
  JSON.stringify({ custom_id: `id-${id}`, method: 'POST', url: '/v1/chat/completions', body })

/** What `headgate plan` prints for so many lines. */
async function plan(argv: readonly string[], count = 1319): Promise<string> {
  const command = runIn({ input: Array.from({ length: count }, (_, i) => lineOf(i)).join('\n') }, 'plan', '-', ...argv)
  expect(await command.code, command.err).toBe(0)
  return command.out
}

const limits = () => file('limits.json', { a: { rpm: 600, tpm: 1_000_000 }, 'a-latest': { rpm: 6000, tpm: 1_000_000 } })
const prices = () => file('prices.json', { a: { input: 1, output: 10, currency: 'USD' } })

describe('headgate plan', () => {
  test('says so where it knows no limits, and where they were given', async () => {
    expect(await plan(['--model', 'nobodys'], 3)).toContain(
      'nobodys: no limits of it are known: 60 requests and 100,000 tokens a minute are taken',
    )
    expect(await plan(['--model', 'nobodys', '--rpm', '500'], 3)).toContain('nobodys: limits as given\n')
  })

  test('prints a table', async () => {
    const out = await plan([
      '--limits',
      await limits(),
      '--prices',
      await prices(),
      '--fallback',
      'a-latest',
      '--model',
      'a',
    ])
    expect(out).toMatch(/^a +1,319 +[\d,]+ +26,380 +2\.8 min +rps +0\.2\d{3} USD$/m)
    expect(out).toMatch(/^ {2}or a-latest +1,319 .* unknown$/m)
    expect(out).toMatch(/^ {2}or with its backups +1,319 /m)
    expect(out).toMatch(/^ {2}or as a batch +within 24 h +no limits +0\.1\d{3} USD$/m)
    expect(out).toContain('a: its backups add up where all work at once')
    expect(out).toContain('a: output expected by max_tokens (1,319)\n')
    expect(out).toContain('a: begins slowly, which takes 27 s of the time\n')
  })

  test('prints JSON, for the models that the requests name', async () => {
    const out = JSON.parse(await plan(['--limits', await limits(), '--json'], 600)) as { models: object[] }
    expect(out.models).toHaveLength(1)
    expect(out.models[0]).toMatchObject({ model: 'a', cost: { known: false }, passes: { requests: 600 } })
  })

  test('takes limits and the slow start as headgate run does', async () => {
    const minutesOf = async (...argv: string[]) => {
      const out = JSON.parse(await plan(['--limits', await limits(), '--model', 'a', '--json', ...argv], 600))
      return (out as { models: [{ minutes: number }] }).models[0].minutes
    }
    expect(await minutesOf('--ramp-up', '0')).toBeCloseTo(1.05, 3)
    expect(await minutesOf('--ramp-up', '0', '--rpm', '300')).toBeCloseTo(2.1, 3)
    // For 30 s four a second in place of ten.
    expect(await minutesOf('--ramp-up', '30')).toBeCloseTo(1.05 + 0.5 * 0.6, 3)
    expect(await minutesOf('--rpm', '120')).toBeCloseTo(5.25, 3)
  })

  test('compares ways of paying for a load', async () => {
    const model = 'qwen3.6-flash-2026-04-16'
    const out = await plan(
      ['--model', model, '--load', '60', '--hours', '8', '--days', '5', '--limits', await limits()],
      10,
    )
    expect(out).toMatch(/^provisioned-hour +[\d,.]+ CNY/m)
    expect(out).toMatch(/^units-hour 1 of MU1 x 2 +4,320\.00 CNY +how many tokens/m)
    expect(out).toMatch(/^pay-as-you-go +unknown +no pay-as-you-go price of/m)
  })

  test.each([
    [['--load', '5'], '--load needs --model', 2],
    [['--fallback', 'b'], '--fallback needs --model', 2],
    [['--hours', '5', '--model', 'a'], '--hours needs --load', 2],
    [['--prices', './none.json'], "prices file './none.json' does not exist", 4],
    [['--limits', 'none'], "no built-in limits 'none'", 2],
  ])('%j: %s', async (argv, message, code) => {
    const command = runIn({ input: lineOf(1) }, 'plan', '-', ...argv)
    expect(await command.code).toBe(code)
    expect(command.err).toContain(message)
  })

  test('names what is wrong in a file of prices', async () => {
    const wrong = await file('wrong.json', { a: { input: 1, output: 'x', currency: 'USD' } })
    const command = runIn({ input: lineOf(1) }, 'plan', '-', '--prices', wrong)
    expect(await command.code).toBe(2)
    expect(command.err).toContain("wrong.json': model 'a': output is the text \"x\"")
  })

  test('tells of lines that cannot be sent, and plans the rest', async () => {
    const command = runIn({ input: `${lineOf(1)}\n{"a":\n${lineOf(1)}\n${lineOf(2)}\n` }, 'plan', '-', '--json')
    expect(await command.code).toBe(1)
    expect(JSON.parse(command.out)).toMatchObject({ faults: 2, models: [{ passes: { requests: 2 } }] })
    expect(command.err).toMatch(/2 lines cannot be sent:\n {2}line 2: .*JSON.*\n {2}line 3: its custom_id "id-1"/)
  })

  test('takes plain lines with --model, and says what has nothing', async () => {
    const plain = runIn({ input: '{"prompt":"a"}\n{"prompt":"b"}\n' }, 'plan', '-', '--model', 'qwen-plus', '--json')
    expect(await plain.code).toBe(0)
    expect(JSON.parse(plain.out)).toMatchObject({ models: [{ model: 'qwen-plus', passes: { requests: 2 } }] })
    const empty = runIn({ input: '\n' }, 'plan', '-')
    expect(await empty.code).toBe(4)
    expect(empty.err).toContain('is empty')
    const none = runIn({}, 'plan', './nowhere.jsonl')
    expect(await none.code).toBe(4)
    expect(none.err).toContain("'./nowhere.jsonl' does not exist")
  })
})
