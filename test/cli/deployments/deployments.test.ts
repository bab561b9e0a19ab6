import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../../src/simulator/index.js'
import { answering, httpService } from '../../support/http-service.js'
import { CountedFetch } from '../../support/counted-fetch.js'
import { settlePromises, VirtualClock } from '../../support/virtual-clock.js'
import { run, runAnswering, runIn, type Run } from '../terminal.js'

const KEY = 'sk-0123456789abcdef'
const model = 'qwen-plus-2025-12-01'
const atOnce = { deployMs: [0, 0], pendingMs: 0, updateMs: 0, scaleMs: 0, deleteMs: 0 } as const

async function service(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator({
    limits: { [model]: { rpm: 120 } },
    apiKeys: [KEY],
    ...options,
    controlPlane: { ...atOnce, baseCapacity: { [model]: 4 }, ...options.controlPlane },
  })
  onTestFinished(() => simulator.close())
  vi.stubEnv('DASHSCOPE_API_KEY', KEY)
  onTestFinished(() => void vi.unstubAllEnvs())
  return simulator
}

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function ended(command: Run): Promise<Ended> {
  const code = await command.code
  const { out, err } = command
  expect(out + err).not.toContain(KEY)
  return { code, out, err }
}

function deployments({ url }: { readonly url: string }, ...argv: string[]): Promise<Ended> {
  return ended(run('deployments', ...argv, '--base-url', url))
}

/** Commands and a service that live in one virtual time. It passes while no request is under way. */
async function inVirtualTime(controlPlane: NonNullable<SimulatorOptions['controlPlane']>) {
  const clock = new VirtualClock()
  const counted = new CountedFetch()
  vi.stubGlobal('fetch', counted.fetch)
  const simulator = await service({ clock, controlPlane })
  const id = await made(simulator)
  const begin = (...argv: string[]) => runIn({ clock }, 'deployments', ...argv, '--base-url', simulator.url)
  const ends = async (command: Run) => {
    const state = { hasEnded: false }
    void command.code.then(() => (state.hasEnded = true))
    while (!state.hasEnded) await (counted.isBusy ? settlePromises() : clock.advance(100))
    return ended(command)
  }
  return { clock, id, begin, deployments: (...argv: string[]) => ends(begin(...argv)) }
}

async function made(simulator: Simulator, ...more: string[]): Promise<string> {
  const flags = ['--plan', 'mu', '--capacity', '4', '--yes', '--json', ...more]
  const { code, out } = await deployments(simulator, 'create', model, ...flags)
  expect(code).toBe(0)
  return (JSON.parse(out) as { deployedModel: string }).deployedModel
}

describe('headgate deployments', () => {
  it('makes, shows, changes, scales and deletes', async () => {
    const simulator = await service()
    const id = await made(simulator, '--rpm', '600', '--suffix', 'mine', '--enable-thinking', '--name', 'My own')
    const { out: list } = await deployments(simulator, 'list')
    expect(list.split('\n')[0]).toMatch(/^DEPLOYMENT +STATUS +PLAN +SIZE +READY +RPM +TPM +MODEL$/)
    expect(list.split('\n')[1]).toMatch(new RegExp(`^${id} +RUNNING +mu +4 +4 +600 +- +${model}$`))
    const updated = await deployments(simulator, 'update', id, '--tpm', '5000', '--yes', '--json')
    expect(JSON.parse(updated.out)).toMatchObject({ deployedModel: id, rpmLimit: 600, tpmLimit: 5000 })
    const scaled = await deployments(simulator, 'scale', id, '--capacity', '8', '-y')
    expect(scaled.out).toMatch(/^capacity +8$/m)
    const got = await deployments(simulator, 'get', id, '--json')
    expect(JSON.parse(got.out)).toMatchObject({ capacity: 8, readyCapacity: 8, enableThinking: true })
    expect(await deployments(simulator, 'delete', id, '--yes')).toMatchObject({ code: 0 })
    expect(await deployments(simulator, 'list')).toMatchObject({ code: 0, out: 'There are no deployments.\n' })
    expect(await deployments(simulator, 'list', '--json')).toMatchObject({ code: 0, out: '[]\n' })
  })

  it('makes and scales a throughput', async () => {
    const simulator = await service()
    const flags = ['--plan', 'ptu', '--input-tpm', '10000', '--output-tpm', '1000']
    const { out } = await deployments(simulator, 'create', model, ...flags, '--yes', '--json')
    const { deployedModel: id, ptuCapacity } = JSON.parse(out) as { deployedModel: string; ptuCapacity: unknown }
    expect(ptuCapacity).toEqual({ inputTpm: 10_000, outputTpm: 1000 })
    const more = ['--input-tpm', '20000', '--output-tpm', '1000', '--thinking-output-tpm', '7', '--yes']
    expect(await deployments(simulator, 'scale', id, ...more)).toMatchObject({ code: 0 })
    expect((await deployments(simulator, 'list')).out).toContain('20,000 in, 1,000 out + 7 thinking')
  })

  it('waits, and tells each status as it comes', async () => {
    const times = { pendingMs: 20_000, deployMs: [60_000, 60_000], deleteMs: 30_000 } as const
    const { id, deployments } = await inVirtualTime(times)
    const waited = await deployments('wait', id, '--json')
    expect(waited.code).toBe(0)
    expect(JSON.parse(waited.out)).toMatchObject({ deployedModel: id, status: 'RUNNING' })
    expect(waited.err).toBe(['PENDING', 'DEPLOYING', 'RUNNING'].map((status) => `${id}: ${status}\n`).join(''))
    await deployments('delete', id, '--yes')
    const gone = await deployments('wait', id, 'gone', 'stopped')
    expect(gone).toMatchObject({ code: 0 })
    expect(gone.out).toMatch(/^status +GONE$/m)
  })

  it('waits no longer than it is told, nor after an interrupt, nor for what failed', async () => {
    const slow = await inVirtualTime({ deployMs: [60_000, 60_000], pendingMs: 60_000 })
    const late = await slow.deployments('wait', slow.id, '--timeout-s', '30')
    expect(late.code).toBe(1)
    expect(late.err).toMatch(/is PENDING after 30000 ms of waiting for RUNNING/)
    const command = slow.begin('wait', slow.id)
    while (!command.err.includes('PENDING')) await settlePromises()
    command.interrupt()
    expect(await command.code).toBe(130)
    const failing = await inVirtualTime({ failsToDeploy: () => true })
    const failed = await failing.deployments('wait', failing.id)
    expect(failed.code).toBe(1)
    expect(failed.err).toContain('is FAILED, and will not be RUNNING')
  })
})

describe('a change', () => {
  const changes = (id: string): string[][] => [
    ['create', model, '--plan', 'mu', '--capacity', '4', '--suffix', 'two'],
    ['update', id, '--rpm', '7'],
    ['scale', id, '--capacity', '8'],
    ['delete', id],
  ]

  it('without a terminal and without --yes is refused with 2, and nothing is sent', async () => {
    await service()
    const { url, received } = await httpService(answering({}))
    for (const argv of changes('m')) {
      const { code, out, err } = await deployments({ url }, ...argv)
      expect([code, out]).toEqual([2, ''])
      expect(err).toContain('add --yes')
    }
    expect(received).toHaveLength(0)
  })

  it('is asked for, with what it changes, and is not made unless the answer is yes', async () => {
    const simulator = await service()
    const id = await made(simulator)
    const asked: string[] = []
    const answered = (answer: string) => async (question: string) => {
      asked.push(question)
      return answer
    }
    for (const answer of ['n', '', 'yess', 'no']) {
      for (const argv of changes(id)) {
        const ask = answered(answer)
        const { code, err, out } = await ended(runAnswering(ask, 'deployments', ...argv, '--base-url', simulator.url))
        expect([code, out]).toEqual([1, ''])
        expect(err).toBe('Nothing was changed.\n')
      }
    }
    const { out } = await deployments(simulator, 'list', '--json')
    expect(JSON.parse(out)).toMatchObject([{ deployedModel: id, capacity: 4 }])
    expect(asked.slice(0, 4)).toEqual([
      `Deploy ${model} with the plan mu, size 4. It costs from when it runs until it is deleted.\nGo on? [y/N] `,
      `Set the limits of ${id}: RPM - → 7.\nGo on? [y/N] `,
      `Scale ${id}: 4 → 8. This changes what it costs.\nGo on? [y/N] `,
      `Delete ${id} (RUNNING, ${model}). Requests to it fail from then on.\nGo on? [y/N] `,
    ])
    for (const argv of changes(id)) {
      const { code } = await ended(runAnswering(answered(' Yes '), 'deployments', ...argv, '--base-url', simulator.url))
      expect(code).toBe(0)
    }
    expect((await deployments(simulator, 'get', id)).code).toBe(1)
  })
})

describe('headgate quotas', () => {
  it('shows the limits, in a table or as JSON', async () => {
    const limits = { 'qwen-plus': { rpm: 15_000, tpm: 1_200_000 }, 'text-embedding-v4': { rps: 30 } }
    const workspaces = { 'llm-one': { 'qwen-plus': { rpm: 30 } } }
    const { url } = await service({ limits, workspaces })
    const all = await ended(run('quotas', '--base-url', url, '--workspace', 'llm-one'))
    expect(all).toMatchObject({ code: 0, err: '' })
    const [, plus, embedding] = all.out.split('\n')
    expect(plus).toMatch(/^qwen-plus +30 +1,200,000 +workspace +llm-one$/)
    expect(embedding).toMatch(/^text-embedding-v4 +30\/s +- +account +llm-one$/)
    const one = await ended(run('quotas', '--base-url', url, '--model', 'qwen-plus', '--json'))
    expect(JSON.parse(one.out)).toMatchObject([{ model: 'qwen-plus', limits: { rpm: 15_000, tpm: 1_200_000 } }])
    expect((await ended(run('quotas', '--base-url', url, '--name', 'nothing'))).out).toBe('No quotas were found.\n')
  })

  it('shows nothing of what the service writes that moves the cursor', async () => {
    await service()
    const row = { model: 'a\u001b[2J\nb', model_limit: {} }
    const { url } = await httpService(answering({ output: { total: 1, quotas: [row] } }))
    const { out } = await ended(run('quotas', '--base-url', url))
    expect(out).toContain('a [2J b')
    expect(out.split('\n')).toHaveLength(3)
  })
})

describe('what goes wrong', () => {
  it.each<[string[], RegExp]>([
    [['deployments', 'get'], /missing required argument 'id'/],
    [['deployments', 'nonsense'], /unknown command/],
    [['deployments', 'get', 'm', '--region', 'paris'], /Allowed choices are singapore, beijing, virginia/],
    [['deployments', 'get', 'm', '--base-url', 'x'], /baseURL is no address/],
    [['deployments', 'get', 'm', '--base-url', 'https://x', '--region', 'beijing'], /give one of them/],
    [['deployments', 'get', 'a/b'], /no deployment is called/],
    [['deployments', 'update', 'm', '--yes'], /give --rpm, --tpm, or both/],
    [['deployments', 'update', 'm', '--yes', '--rpm', '0'], /--rpm.*1 or more/],
    [['deployments', 'scale', 'm', '--yes'], /give --capacity.*--input-tpm and --output-tpm/],
    [['deployments', 'scale', 'm', '--yes', '--capacity', '1000'], /--capacity.*0 to 999/],
    [['deployments', 'scale', 'm', '--yes', '--input-tpm', '5'], /both --input-tpm and --output-tpm/],
    [['deployments', 'scale', 'm', '-y', '--capacity', '1', '--input-tpm', '5', '--output-tpm', '5'], /one of the two/],
    [['deployments', 'create', 'm', '--yes', '--plan', 'mu'], /capacity is missing/],
    [['deployments', 'create', 'm', '--yes'], /required option '--plan/],
    [['deployments', 'wait', 'm', '--timeout-s', '0'], /--timeout-s/],
    [['quotas', '--region', 'paris'], /Allowed choices/],
  ])('%j ends with 2 and says why', async (argv, message) => {
    vi.stubEnv('DASHSCOPE_API_KEY', KEY)
    onTestFinished(() => void vi.unstubAllEnvs())
    const { code, out, err } = await ended(run(...argv))
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(message)
  })

  it('the key comes from the environment: without it, 2, and a key in its place is not shown', async () => {
    const { url } = await service()
    vi.stubEnv('DASHSCOPE_API_KEY', '')
    const missing = await ended(run('quotas', '--base-url', url))
    expect(missing.code).toBe(2)
    expect(missing.err).toContain('the environment variable DASHSCOPE_API_KEY is not set')
    const shown = await ended(run('quotas', '--base-url', url, '--api-key-env', KEY))
    expect(shown.code).toBe(2)
    vi.stubEnv('OTHER_KEY', KEY)
    expect((await ended(run('quotas', '--base-url', url, '--api-key-env', 'OTHER_KEY'))).code).toBe(0)
    vi.stubEnv('OTHER_KEY', 'sk-unknown-to-it')
    const denied = await ended(run('quotas', '--base-url', url, '--api-key-env', 'OTHER_KEY'))
    expect(denied.code).toBe(1)
    expect(denied.err).toMatch(/^headgate: GET http.*\/api\/v1\/quotas was answered 401 InvalidApiKey: .*\(request /)
    expect(denied.err).not.toContain('sk-unknown-to-it')
  })

  it('a refusal of the service ends with 1, and says what it said', async () => {
    const simulator = await service()
    const { code, out, err } = await deployments(simulator, 'get', 'nobody')
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain('Model: nobody not found!')
    const id = await made(simulator)
    const wrong = await deployments(simulator, 'scale', id, '--capacity', '6', '--yes')
    expect(wrong.code).toBe(2)
    expect(wrong.err).toContain('give a multiple of 4')
  })
})

describe('help', () => {
  it.each([
    [
      ['deployments', '--help'],
      ['list', 'get', 'create', 'update', 'scale', 'wait', 'delete'],
    ],
    [
      ['quotas', '--help'],
      ['--model', '--name', '--api-key-env', '--base-url', '--region', '--json'],
    ],
    ...['list', 'get', 'create', 'update', 'scale', 'wait', 'delete'].map((name): [string[], string[]] => [
      ['deployments', name, '--help'],
      ['--api-key-env', 'DASHSCOPE_API_KEY', '--base-url', '--region', '--json'],
    ]),
  ])('%j shows options and an example', async (argv, words) => {
    const { code, out } = await ended(run(...argv))
    expect(code).toBe(0)
    for (const word of words) expect(out).toContain(word)
    expect(out).toMatch(/Examples?:\n {2}headgate (deployments|quotas)/)
  })
})
