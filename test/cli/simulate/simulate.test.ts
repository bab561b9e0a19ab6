import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { builtInTables } from '../../../src/limits/index.js'
import { startSimulator } from '../../../src/simulator/index.js'
import { run } from '../terminal.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

interface Line {
  readonly url: string
  readonly port: number
  readonly ledger: string
  readonly preset: string
  readonly origin: string
  readonly limits: Record<string, unknown> | null
  readonly defaultLimits: unknown
}

/** Starts it, and reads the line of JSON that it prints. */
async function started(...flags: string[]): Promise<Line> {
  const command = run('simulate', '--json', ...flags)
  await Promise.race([command.spoke, command.code])
  expect(command.err).toBe('')
  expect(command.out).toMatch(/^\{.*\}\n$/)
  return JSON.parse(command.out) as Line
}

async function limitsFile(content: string): Promise<string> {
  const path = join(await temporaryFolder(), 'limits.json')
  await writeFile(path, content)
  return path
}

async function statusOf(url: string, model: string, key = 'any'): Promise<number> {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'x' }], max_tokens: 1 })
  const headers = { authorization: `Bearer ${key}` }
  const response = await fetch(`${url}/chat/completions`, { method: 'POST', body, headers })
  await response.arrayBuffer()
  return response.status
}

describe('headgate simulate', () => {
  it('starts a server, says where it is and what it limits, and ends when it is interrupted', async () => {
    const command = run('simulate', '--model', 'qwen-plus', 'qwen-max', '--rpm', '60', '--tpm', '1000000')
    await command.spoke
    expect(command.out).toContain('qwen-plus  rpm 60, tpm 1,000,000\n')
    expect(command.out).toContain('qwen-max   rpm 60, tpm 1,000,000\n')
    expect(command.out).toContain('any other model is unknown (404)')
    const url = /http:\S+v1/.exec(command.out)?.[0] ?? ''
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/compatible-mode\/v1$/)
    expect(await statusOf(url, 'qwen-plus')).toBe(200)
    expect(await statusOf(url, 'qwen-plus')).toBe(429)
    expect(await statusOf(url, 'qwen-min')).toBe(404)
    command.interrupt()
    expect(await command.code).toBe(0)
    expect(command.out.endsWith('Stopped.\n')).toBe(true)
    await expect(statusOf(url, 'qwen-plus')).rejects.toThrow('fetch failed')
  })

  it('prints one line of JSON, with the ledger that it serves', async () => {
    const line = await started('--limits', 'model-studio/beijing')
    expect(line).toMatchObject({ preset: 'model-studio', origin: 'model-studio/beijing', defaultLimits: null })
    expect(Object.keys(line.limits ?? {})).toEqual(Object.keys(builtInTables['model-studio/beijing']))
    expect(line.limits?.['qwen-max']).toEqual({ rpm: 1200, tpm: 1_000_000 })
    expect(line.url).toBe(`http://127.0.0.1:${line.port}/compatible-mode/v1`)
    await statusOf(line.url, 'qwen-max')
    const ledger = (await (await fetch(line.ledger)).json()) as { models: Record<string, unknown> }
    expect(Object.keys(ledger.models)).toEqual(['qwen-max'])
  })

  it('has the limits of Singapore by itself, and those of a preset', async () => {
    expect((await started()).origin).toBe('model-studio/singapore')
    const openai = await started('--preset', 'openai')
    expect(openai).toMatchObject({ limits: null, defaultLimits: { rpm: 500, tpm: 200_000 } })
    expect(openai.url).toBe(`http://127.0.0.1:${openai.port}/v1`)
    expect(await statusOf(openai.url, 'gpt-any')).toBe(200)
    const lenient = await started('--preset', 'lenient')
    expect(lenient).toMatchObject({ origin: 'model-studio/singapore', defaultLimits: {} })
  })

  it('takes limits from a file, with numbers of its own for all models or for one', async () => {
    const path = await limitsFile('{"deep":{"rpm":60,"tpm":500},"wide":{"rpm":120,"source":"me"}}')
    expect((await started('--limits', path)).limits).toEqual({ deep: { rpm: 60, tpm: 500 }, wide: { rpm: 120 } })
    expect((await started('--limits', path, '--tpm', '700')).limits).toEqual({
      deep: { rpm: 60, tpm: 700 },
      wide: { rpm: 120, tpm: 700 },
    })
    expect((await started('--limits', path, '--rpm', '9', '--model', 'wide', '--port', '0')).limits).toEqual({
      deep: { rpm: 60, tpm: 500 },
      wide: { rpm: 9 },
    })
    expect(await started('--rpm', '9')).toMatchObject({ limits: null, defaultLimits: { rpm: 9 } })
  })

  it('knows only the keys that it is given, and answers as long as it is told', async () => {
    const { url } = await started('--rpm', '6000', '--api-key', 'one', 'two', '--seed', '3', '--output-tokens', '1')
    expect([await statusOf(url, 'x', 'two'), await statusOf(url, 'x', 'three')]).toEqual([200, 401])
  })
})

describe('wrong use', () => {
  it.each<[string[], RegExp]>([
    [['--port', '70000'], /--port.*whole number, 0 to 65535/],
    [['--port', '8x'], /--port/],
    [['--rpm', '0'], /--rpm.*1 or more/],
    [['--preset', 'other'], /Allowed choices are model-studio, openai, azure, lenient/],
    [['--model', 'qwen-plus'], /--model needs --rpm, --tpm or both/],
    [['--limits', 'beijing'], /no built-in limits 'beijing'.*model-studio\/beijing/],
    [['--limits', 'model-studio/paris'], /no built-in limits 'model-studio\/paris'/],
    [['--sped', '3'], /unknown option '--sped'/],
    [['extra'], /too many arguments/],
    [['--first-token-ms', '-1'], /--first-token-ms.*0 or more/],
  ])('simulate %j ends with 2 and says why', async (flags, message) => {
    const command = run('simulate', ...flags)
    expect(await command.code).toBe(2)
    expect(command.err).toMatch(message)
    expect(command.out).toBe('')
  })

  it('of a file ends with 4 where it cannot be read, and with 2 where it says nothing of use', async () => {
    const missing = run('simulate', '--limits', './nowhere/limits.json')
    expect(await missing.code).toBe(4)
    expect(missing.err).toContain("limits file './nowhere/limits.json' does not exist")
    const broken = run('simulate', '--limits', await limitsFile('{"deep":{"rpm":-1}}'))
    expect(await broken.code).toBe(2)
    expect(broken.err).toMatch(/^headgate: limits file .*rpm/)
  })

  it('of a port that is in use ends with 2', async () => {
    const other = await startSimulator()
    onTestFinished(() => other.close())
    const command = run('simulate', '--port', String(other.port))
    expect(await command.code).toBe(2)
    expect(command.err).toContain(`127.0.0.1:${other.port} is in use`)
  })

  it('without a command, or with one that is none, ends with 2', async () => {
    for (const argv of [[], ['simulat']]) {
      const command = run(...argv)
      expect(await command.code).toBe(2)
      expect(command.err).not.toBe('')
    }
  })
})

describe('help', () => {
  it('is printed with 0, for the program and for the command', async () => {
    const program = run('--help')
    expect(await program.code).toBe(0)
    expect(program.out).toMatch(/simulate .*start a server/)
    const command = run('simulate', '--help')
    expect(await command.code).toBe(0)
    for (const flag of ['--port', '--limits', '--rpm', '--tpm', '--model', '--preset', '--json']) {
      expect(command.out).toContain(flag)
    }
  })

  it('has the version of the package', async () => {
    const version = run('--version')
    expect(await version.code).toBe(0)
    expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
