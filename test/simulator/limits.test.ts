import { describe, expect, it } from 'vitest'
import type { LimitName } from '../../src/simulator/index.js'
import { ManualClock } from './manual-clock.js'
import { clientOf, messages, MESSAGES_TOKENS, post, readAll, refusalOf, simulate } from './setup.js'

const model = 'qwen-plus'
const off = { secondWindow: 'off' } as const

describe('the limits of a row', () => {
  it.each<[LimitName, object, number]>([
    // 19 tokens of input and 4 of output a request; what is generated counts once it is there.
    ['inputTpm', { inputTpm: 57 }, 3],
    ['outputTpm', { outputTpm: 9 }, 3],
    ['tpm', { tpm: 65 }, 3],
    ['rpm', { rpm: 3 }, 3],
  ])('%s admits what it says, and the rest a minute later', async (limit, row, count) => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      ...off,
      clock,
      limits: { [model]: row },
      answer: () => 'x'.repeat(16),
    })
    const ask = (): Promise<unknown> => client.chat.completions.create({ model, messages })
    for (let i = 0; i < count; i += 1) await ask()
    clock.advance(59_999)
    expect((await refusalOf(ask())).code).toBe(limit === 'rpm' ? 'limit_requests' : 'insufficient_quota')
    expect(simulator.ledger().entries.at(-1)?.refusal).toBe(limit)
    clock.advance(1)
    await ask()
    expect(simulator.ledger().models[model]?.refused[limit]).toBe(1)
  })

  it('thinkingTpm counts thinking, and holds up only what thinks', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      ...off,
      clock,
      limits: { [model]: { thinkingTpm: 10, outputTpm: 1000 } },
      answer: ({ thinking }) => ({ content: 'x'.repeat(16), reasoning: thinking ? 'y'.repeat(40) : '' }),
    })
    const ask = (enable_thinking: boolean): Promise<unknown> =>
      client.chat.completions.create({ model, messages, enable_thinking } as never)
    await ask(true)
    expect((await refusalOf(ask(true))).code).toBe('insufficient_quota')
    await ask(false)
    const { windows } = simulator.ledger().models[model] ?? {}
    expect([windows?.thinkingTpm?.used, windows?.outputTpm?.used]).toEqual([10, 18])
  })

  it('reserves output and thinking where that is how it counts, and corrects them', async () => {
    const clock = new ManualClock()
    const { simulator, client } = await simulate({
      ...off,
      clock,
      chargesOutput: 'reserved',
      limits: { [model]: { outputTpm: 100, thinkingTpm: 60 } },
      answer: () => ({ content: 'x'.repeat(16), reasoning: 'y'.repeat(16) }),
    })
    const ask = (max_tokens: number): Promise<unknown> =>
      client.chat.completions.create({
        model,
        messages,
        max_tokens,
        enable_thinking: true,
        thinking_budget: 50,
      } as never)
    await refusalOf(ask(101))
    await ask(100)
    expect(simulator.ledger().models[model]?.windows).toMatchObject({
      outputTpm: { used: 8, peak: 100 },
      thinkingTpm: { used: 4, peak: 50 },
    })
    await refusalOf(ask(93))
    await ask(92)
    expect(simulator.ledger().entries.map(({ refusal }) => refusal)).toEqual([
      'outputTpm',
      undefined,
      'outputTpm',
      undefined,
    ])
  })

  it('concurrency counts what is in flight, and is free again when it is answered', async () => {
    const clock = new ManualClock()
    const latency = { firstTokenMs: 100, perTokenMs: 0, jitter: 0 }
    const { simulator, client } = await simulate({ clock, latency, limits: { [model]: { concurrency: 2 } } })
    const ask = (): Promise<unknown> => client.chat.completions.create({ model, messages })
    const running = [ask(), ask()]
    await clock.armed(2)
    expect((await refusalOf(ask())).code).toBe('limit_requests')
    expect(simulator.ledger().models[model]?.windows.concurrency).toEqual({ limit: 2, used: 2, peak: 2 })
    clock.advance(100)
    await Promise.all(running)
    const after = ask()
    await clock.armed()
    clock.advance(100)
    await after
    expect(simulator.ledger().models[model]).toMatchObject({ refused: { concurrency: 1 }, inFlight: 0 })
  })

  it('come from a built-in table by its name', async () => {
    const { simulator, client } = await simulate({ limits: 'model-studio/beijing', clock: new ManualClock() })
    await client.chat.completions.create({ model: 'qwen-max', messages })
    expect((await refusalOf(client.chat.completions.create({ model: 'gpt-any', messages }))).status).toBe(404)
    expect(simulator.ledger().models['qwen-max']?.windows).toMatchObject({
      rpm: { limit: 1200 },
      rps: { limit: 20 },
      tpm: { limit: 1_000_000 },
    })
  })
})

describe('workspaces', () => {
  const limits = { [model]: { rpm: 6, tpm: 1e6 } }
  const workspaces = { 'llm-one': { [model]: { rpm: 2 } }, 'llm-two': { [model]: { tpm: 1e5 } } }
  const within = (workspace: string): object => ({ headers: { 'X-DashScope-WorkSpace': workspace } })

  it('are charged to their own limits and to the account’s', async () => {
    const { simulator, client } = await simulate({
      ...off,
      clock: new ManualClock(),
      limits,
      workspaces,
      answer: () => 'deep',
    })
    const ask = (workspace?: string): Promise<unknown> =>
      client.chat.completions.create({ model, messages }, workspace === undefined ? {} : within(workspace))
    await ask('llm-one')
    await ask('llm-one')
    expect((await refusalOf(ask('llm-one'))).code).toBe('limit_requests')
    await ask('llm-two')
    await ask('llm-unlisted')
    await ask()
    await ask()
    await refusalOf(ask())
    await refusalOf(ask('llm-two'))
    const { entries, models } = simulator.ledger()
    expect(entries.map(({ workspace, refusedByWorkspace, status }) => [workspace, refusedByWorkspace, status])).toEqual(
      [
        ['llm-one', undefined, 200],
        ['llm-one', undefined, 200],
        ['llm-one', true, 429],
        ['llm-two', undefined, 200],
        ['llm-unlisted', undefined, 200],
        [undefined, undefined, 200],
        [undefined, undefined, 200],
        [undefined, undefined, 429],
        ['llm-two', undefined, 429],
      ],
    )
    expect(models[model]?.windows.rpm).toEqual({ limit: 6, used: 6, peak: 6 })
    expect(models[model]?.workspaces).toMatchObject({
      'llm-one': { rpm: { used: 2 } },
      'llm-two': { tpm: { peak: 20 } },
    })
  })

  it('may change while it runs, and never have more than the account', async () => {
    const { simulator, client } = await simulate({ ...off, clock: new ManualClock(), limits, workspaces })
    const ask = (): Promise<unknown> => client.chat.completions.create({ model, messages }, within('llm-one'))
    await ask()
    simulator.setWorkspaceLimits('llm-one', model, { rpm: 1 })
    await refusalOf(ask())
    simulator.setWorkspaceLimits('llm-one', model, { rpm: 3 })
    await ask()
    expect(() => simulator.setWorkspaceLimits('llm-one', model, { rpm: 7 })).toThrow(
      "workspace llm-one, qwen-plus: rpm 7 is above the account's, 6",
    )
    await expect(simulate({ limits, workspaces: { w: { [model]: { tpm: 2e6 } } } })).rejects.toThrow(
      'above the account',
    )
  })
})

describe('limits that change by themselves', () => {
  it('hold from their time on', async () => {
    const clock = new ManualClock(1000)
    const { client } = await simulate({
      ...off,
      clock,
      limits: { [model]: { rpm: 1 } },
      limitChanges: [
        { afterMs: 200, model: 'new', limits: {} },
        { afterMs: 100, model, limits: { rpm: 2 } },
      ],
    })
    const ask = (name = model): Promise<unknown> => client.chat.completions.create({ model: name, messages })
    await ask()
    clock.advance(99)
    await refusalOf(ask())
    clock.advance(1)
    await ask()
    await refusalOf(ask())
    expect((await refusalOf(ask('new'))).status).toBe(404)
    clock.advance(100)
    await ask('new')
  })
})

describe('limits that are a floor', () => {
  it('refuse only without spare capacity, and count what passes', async () => {
    let spare = true
    const { simulator, client } = await simulate({
      ...off,
      clock: new ManualClock(),
      limits: { [model]: { rpm: 1 }, other: { rpm: 1 } },
      floors: { [model]: { spare: () => spare, says: 'capacity' } },
    })
    const ask = (name = model): Promise<unknown> => client.chat.completions.create({ model: name, messages })
    for (let i = 0; i < 4; i += 1) await ask()
    spare = false
    const refusal = await refusalOf(ask())
    expect([refusal.status, refusal.code]).toEqual([429, 'Throttling.AllocationQuota'])
    expect(refusal.message).toContain('due to system capacity limits')
    await ask('other')
    await refusalOf(ask('other'))
    const { entries, models } = simulator.ledger()
    expect(entries.map(({ aboveFloor }) => aboveFloor === true)).toEqual([false, true, true, true, false, false, false])
    expect(models[model]?.windows.rpm).toEqual({ limit: 1, used: 4, peak: 4 })
  })

  it('leave the limit of a workspace as it is', async () => {
    const { simulator, client } = await simulate({
      ...off,
      clock: new ManualClock(),
      limits: { [model]: { rpm: 2 } },
      workspaces: { w: { [model]: { rpm: 1 } } },
      floors: { [model]: { spare: () => true } },
    })
    const within = { headers: { 'X-DashScope-WorkSpace': 'w' } }
    for (let i = 0; i < 3; i += 1) await client.chat.completions.create({ model, messages })
    await client.chat.completions.create({ model, messages }, within)
    expect((await refusalOf(client.chat.completions.create({ model, messages }, within))).status).toBe(429)
    expect(simulator.ledger().entries.map(({ aboveFloor }) => aboveFloor === true)).toEqual([
      false,
      false,
      true,
      true,
      false,
    ])
  })

  it('draw their spare capacity by the seed', async () => {
    const passed = async (seed: number): Promise<boolean[]> => {
      const limits = { [model]: { rpm: 1 } }
      const { simulator, client } = await simulate({
        ...off,
        seed,
        clock: new ManualClock(),
        limits,
        floors: { [model]: {} },
      })
      for (let i = 0; i < 40; i += 1) {
        await client.chat.completions.create({ model, messages }).catch(() => undefined)
      }
      return simulator.ledger().entries.map(({ admitted }) => admitted)
    }
    const [first, again, other] = [await passed(1), await passed(1), await passed(2)]
    expect(again).toEqual(first)
    expect(other).not.toEqual(first)
    expect(first.filter(Boolean).length).toBeGreaterThan(8)
    expect(first.filter(Boolean).length).toBeLessThan(32)
  })
})

describe('provisioned throughput', () => {
  const bought = { inputTpm: 50, outputTpm: 20, maxInputTokens: 30, snapshot: 'qwen-plus-2025-12-01' }
  const limits = { 'qwen-plus-2025-12-01': { rpm: 2, tpm: 1000 } }

  it('is not limited inside, and overflows to the public limits of its snapshot, with the header', async () => {
    const clock = new ManualClock()
    const options = { ...off, clock, limits, provisioned: { mine: bought }, answer: () => 'deep' }
    const { simulator, client } = await simulate(options)
    const ask = async (): Promise<string | null> => {
      const { response } = await client.chat.completions.create({ model: 'mine', messages }).withResponse()
      return response.headers.get('x-dashscope-ptu-overflow')
    }
    // 19 tokens of input: two fit into 50 a minute.
    expect([await ask(), await ask(), await ask(), await ask()]).toEqual([null, null, 'true', 'true'])
    const refusal = await refusalOf(ask())
    expect([refusal.status, refusal.headers?.get('x-dashscope-ptu-overflow')]).toEqual([429, 'true'])
    clock.advance(60_000)
    expect(await ask()).toBeNull()
    const { entries, models } = simulator.ledger()
    expect(entries.map(({ overflow }) => overflow === true)).toEqual([false, false, true, true, true, false])
    expect(models['mine']).toMatchObject({
      admitted: 5,
      refused: { rpm: 1 },
      provisioned: { inputTpm: { limit: 50, used: 19, peak: 38 }, outputTpm: { limit: 20, used: 1 } },
    })
    expect(models['qwen-plus-2025-12-01']?.windows.rpm).toMatchObject({ limit: 2, peak: 2 })
  })

  it('overflows when its output is used up, and for an input that is too long', async () => {
    const clock = new ManualClock()
    const options = { ...off, clock, provisioned: { mine: bought }, answer: () => 'x'.repeat(80) }
    const { simulator, client } = await simulate(options)
    const ask = (content: string): Promise<unknown> =>
      client.chat.completions.create({ model: 'mine', messages: [{ role: 'user', content }] })
    await ask('x'.repeat(4 * 20 + 1))
    await ask('deep')
    await ask('deep')
    expect(simulator.ledger().entries.map(({ overflow }) => overflow === true)).toEqual([true, false, true])
  })
})

describe('cached input', () => {
  it('is reported, and counts as much as it is told to', async () => {
    const options = {
      ...off,
      limits: { [model]: { tpm: 1000 } },
      cachedShare: 0.5,
      cachedWeight: 0.5,
      answer: () => 'deep',
    }
    const { simulator, client } = await simulate({ ...options, clock: new ManualClock() })
    const content = 'x'.repeat(4 * 90)
    const answer = await client.chat.completions.create({ model, messages: [{ role: 'user', content }] })
    expect(answer.usage).toMatchObject({ prompt_tokens: 100, prompt_tokens_details: { cached_tokens: 50 } })
    expect(simulator.ledger().models[model]?.windows.tpm?.used).toBe(76)
    expect(simulator.ledger().entries[0]).toMatchObject({ inputTokens: 100, chargedAtAdmission: 75 })
  })
})

describe('the ledger', () => {
  it('says what each request was charged, and when', async () => {
    const charged = async (chargesOutput: 'reserved' | 'generated' | 'completion'): Promise<unknown> => {
      const clock = new ManualClock()
      const latency = { firstTokenMs: 100, perTokenMs: 10, jitter: 0 }
      const { simulator, client } = await simulate({ clock, latency, chargesOutput, answer: () => 'x'.repeat(48) })
      const opened = client.chat.completions.create({ model, messages, max_tokens: 50, stream: true })
      await clock.armed()
      clock.advance(100)
      const stream = await opened
      clock.advance(200)
      await readAll(stream)
      return simulator.ledger().entries[0]?.charges.map(({ at, tokens }) => [at, tokens])
    }
    expect(await charged('completion')).toEqual([
      [0, MESSAGES_TOKENS],
      [210, 12],
    ])
    expect(await charged('generated')).toEqual([
      [0, MESSAGES_TOKENS],
      [100, 1],
      [180, 8],
      [210, 3],
    ])
    expect(await charged('reserved')).toEqual([
      [0, MESSAGES_TOKENS + 50],
      [210, -38],
    ])
  })

  it('serves the last entries alone where that is asked for', async () => {
    const { simulator } = await simulate()
    for (let i = 0; i < 3; i += 1) await post(simulator, '/v1/chat/completions', JSON.stringify({ model, messages }))
    const read = async (query: string): Promise<number[]> => {
      const ledger = await (await fetch(new URL(`/__ledger${query}`, simulator.url))).json()
      return (ledger as { entries: { n: number }[] }).entries.map(({ n }) => n)
    }
    expect([await read(''), await read('?last=2'), await read('?last=0')]).toEqual([[1, 2, 3], [2, 3], []])
  })
})

it('knows its keys by either header', async () => {
  const { simulator } = await simulate({ apiKeys: ['one'] })
  const body = JSON.stringify({ model, messages })
  expect((await post(simulator, '/v1/chat/completions', body, { 'api-key': 'one' })).status).toBe(200)
  expect((await post(simulator, '/v1/chat/completions', body, { 'api-key': 'two' })).status).toBe(401)
  await clientOf(simulator, 'one').chat.completions.create({ model, messages })
})
