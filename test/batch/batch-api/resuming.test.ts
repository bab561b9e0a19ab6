import { readFile, rm, writeFile } from 'node:fs/promises'
import { describe, expect, it, vi } from 'vitest'
import { seeded } from '../../support/seeded.js'
import { ids, killAt, lines, until, world, type World } from './setup.js'

// What is killed in this process keeps the mark that a process which ends gives back.
vi.mock('../../../src/batch/run/output-lock.js', () => ({
  withOutputLock: (_outputs: readonly string[], work: () => Promise<unknown>) => work(),
}))

/** The lines of two files. */
const COUNT = 20
const limits = { maxFileLines: 10 }

async function finishes(here: World): Promise<void> {
  here.meddle = undefined
  const summary = await here.run(limits)
  expect(summary).toMatchObject({ failed: 0, unanswered: 0, underWay: 0, stop: undefined })
  expect(summary.succeeded + summary.skipped).toBe(COUNT)
  expect((await here.records()).map(({ custom_id }) => custom_id).sort()).toEqual(ids(COUNT))
  expect(await here.files()).toEqual(['in.jsonl', 'out.jsonl', 'out.jsonl.headgate.json'])
}

/** How many calls of a name there were. */
const calls = (here: World, name: string): number => here.calls.filter((call) => call === name).length

describe('a run that is killed', () => {
  it.each([
    ['POST /files', 'before', 1, 3],
    ['POST /files', 'after', 1, 2],
    ['POST /files', 'after', 2, 2],
    ['POST /batches', 'before', 1, 2],
    ['POST /batches', 'after', 1, 2],
    ['POST /batches', 'before', 2, 2],
    ['POST /batches', 'after', 2, 2],
    ['GET /batches/ID', 'before', 1, 2],
    ['GET /batches/ID', 'after', 2, 2],
    ['GET /files/ID/content', 'before', 1, 2],
    ['GET /files/ID/content', 'after', 1, 2],
    ['GET /files/ID/content', 'after', 2, 2],
  ] as const)('at %s (%s it, time %i) neither loses nor submits a batch twice', async (name, when, n, uploads) => {
    const here = await world(lines(COUNT))
    const { meddle, reached } = killAt(name, when, n)
    here.meddle = meddle
    void here.run(limits)
    await reached
    await finishes(here)
    expect(await here.batches()).toHaveLength(2)
    expect(calls(here, 'POST /files')).toBe(uploads)
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'again and again, at any call, ends with each batch submitted once (seed %i)',
    async (seed) => {
      const here = await world(lines(COUNT))
      const random = seeded(seed)
      for (let kills = 0; kills < 12; kills++) {
        const killedAt = 1 + Math.floor(random() * 5)
        const when = random() < 0.5 ? 'before' : 'after'
        let seen = 0
        let kill = (): void => undefined
        const killed = new Promise<'killed'>((resolve) => (kill = () => resolve('killed')))
        here.meddle = (_, send) => {
          if (++seen !== killedAt) return undefined
          return (async () => {
            if (when === 'after') await (await send()).text()
            kill()
            return new Promise<Response>(() => {})
          })()
        }
        if ((await Promise.race([here.run(limits), killed])) !== 'killed') break
      }
      await finishes(here)
      expect(await here.batches()).toHaveLength(2)
    },
  )

  it('in the middle of a download writes each line once', async () => {
    const here = await world(lines(COUNT))
    here.meddle = ({ path }, send) => {
      if (path !== '/files/ID/content') return undefined
      return (async () => {
        const bytes = new Uint8Array(await (await send()).arrayBuffer())
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            controller.enqueue(bytes.subarray(0, bytes.length / 2))
            here.ended.addEventListener('abort', () => controller.error(here.ended.reason))
          },
        })
        return new Response(body)
      })()
    }
    void here.run(limits)
    await until(async () => (await readFile(here.output, 'utf8').catch(() => '')).includes('id-3"'))
    expect((await here.records()).length).toBeLessThan(6)
    await finishes(here)
    expect(await here.batches()).toHaveLength(2)
  })

  it('while it waits goes on with its batches, and submits what was not', async () => {
    const here = await world(lines(COUNT))
    here.clock.onWait = () => 'for ever'
    here.meddle = killAt('POST /files', 'before', 2).meddle
    void here.run(limits)
    await until(() => calls(here, 'POST /files') === 2)
    here.clock.onWait = undefined
    await finishes(here)
    expect(await here.batches()).toHaveLength(2)
  })

  it('looks twice, a minute apart, for a batch that it cannot know of, before it submits again', async () => {
    const here = await world(lines(COUNT))
    const { meddle, reached } = killAt('POST /batches', 'before', 1)
    here.meddle = meddle
    void here.run()
    await reached
    here.calls.length = 0
    here.clock.waits.length = 0
    here.meddle = undefined
    await here.run()
    const look = 'GET /batches'
    expect(here.calls).toEqual([look, look, 'POST /batches', 'GET /batches/ID', 'GET /files/ID/content'])
    expect(here.clock.waits).toEqual([60_000, 60_000])
  })

  it('finds its batch behind a hundred others', async () => {
    const here = await world(lines(COUNT))
    const { meddle, reached } = killAt('POST /batches', 'after')
    here.meddle = meddle
    void here.run()
    await reached
    const input_file_id = (await here.batches())[0]!.input_file_id
    // Of a file that another program uploaded.
    const form = new FormData()
    form.set('purpose', 'batch')
    form.set('file', new Blob([lines(1)]), 'other.jsonl')
    const file = (await (await fetch(`${here.simulator.url}/files`, { method: 'POST', body: form })).json()) as {
      id: string
    }
    expect(file.id).not.toBe(input_file_id)
    for (let i = 0; i < 150; i++) {
      const body = JSON.stringify({
        input_file_id: file.id,
        endpoint: '/v1/chat/completions',
        completion_window: '24h',
      })
      await fetch(`${here.simulator.url}/batches`, { method: 'POST', body })
    }
    here.meddle = undefined
    here.calls.length = 0
    expect(await here.run()).toMatchObject({ succeeded: COUNT })
    expect(here.calls.slice(0, 2)).toEqual(['GET /batches', 'GET /batches'])
    expect(here.calls).not.toContain('POST /batches')
  })

  it('finds its batch where the oldest come first', async () => {
    const here = await world(lines(COUNT))
    const { meddle, reached } = killAt('POST /batches', 'after')
    here.meddle = meddle
    void here.run()
    await reached
    here.meddle = ({ method, path }, send) => {
      if (method !== 'GET' || path !== '/batches') return undefined
      return (async () => {
        const list = (await (await send()).json()) as { data: object[] }
        const old = { id: 'batch_old', created_at: 1, input_file_id: 'file-old', status: 'completed' }
        return Response.json({ ...list, data: [old, { ...old, created_at: 2 }, ...list.data] })
      })()
    }
    here.calls.length = 0
    expect(await here.run()).toMatchObject({ succeeded: COUNT })
    expect(here.calls).not.toContain('POST /batches')
  })

  it('while it sorts lines begins that anew', async () => {
    const here = await world(lines(COUNT))
    const stray = `${here.output}.headgate-1.jsonl`
    await writeFile(stray, lines(3))
    await writeFile(`${here.output}.headgate-77.jsonl`, lines(3))
    await finishes(here)
    expect(await here.batches()).toHaveLength(2)
  })
})

describe('lines that are not beside the output any more', () => {
  it('of a batch under way keep all others from being submitted until it has ended', async () => {
    const here = await world(lines(COUNT))
    here.clock.onWait = () => 'for ever'
    void here.run(limits)
    await until(() => here.clock.waits.length === 1)
    here.clock.onWait = undefined
    await rm(`${here.output}.headgate-1.jsonl`)
    await finishes(here)
    expect(here.notices).toEqual([expect.stringMatching(/not beside the output any more/)])
    expect(await here.batches()).toHaveLength(2)
  })

  it('of a file that was not submitted are put there again', async () => {
    const here = await world(lines(COUNT))
    const { meddle, reached } = killAt('POST /files', 'before', 2)
    here.meddle = meddle
    void here.run(limits)
    await reached
    await rm(`${here.output}.headgate-2.jsonl`)
    await finishes(here)
    expect(await here.batches()).toHaveLength(2)
  })
})
