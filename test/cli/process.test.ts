import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startSimulator } from '../../src/simulator/index.js'
import { buildCli, type Built } from './built.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
let built: Built

beforeAll(async () => {
  built = await buildCli()
})

afterAll(() => built.remove())

function start(...argv: string[]): ChildProcess & { readonly printed: () => string; readonly said: () => string } {
  const child = spawn(process.execPath, [built.main, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  return Object.assign(child, { printed: () => text, said: () => said })
}

describe('a process', () => {
  it('begins with the line that makes it a command', async () => {
    expect((await readFile(join(root, 'src/cli/main.ts'), 'utf8')).startsWith('#!/usr/bin/env node\n')).toBe(true)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('ends cleanly on %s, with a stream open', async (signal) => {
    const child = start('simulate', '--json', '--per-token-ms', '100000')
    while (!child.printed().endsWith('\n')) await once(child.stdout!, 'data')
    const { url } = JSON.parse(child.printed()) as { url: string }
    const body = JSON.stringify({ model: 'qwen-plus', messages: [{ role: 'user', content: 'x' }], stream: true })
    const response = await fetch(`${url}/chat/completions`, { method: 'POST', body })
    expect(response.status).toBe(200)
    const broken = expect(response.text()).rejects.toThrow('terminated')
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([0, null])
    await broken
  })

  it.each([1, 2])('that runs a file ends on SIGINT number %i', async (signals) => {
    const folder = await temporaryFolder()
    const arrived = deferred()
    const simulator = await startSimulator({
      latency: { firstTokenMs: signals === 1 ? 300 : 20_000, perTokenMs: 0, jitter: 0 },
      fail: () => void arrived.resolve(),
    })
    onTestFinished(() => simulator.close())
    const [input, output] = [join(folder, 'in.jsonl'), join(folder, 'out.jsonl')]
    await writeFile(input, '{"prompt":"a"}\n'.repeat(20))
    const flags = ['--model', 'qwen-plus', '--base-url', simulator.url, '--rpm', '1000000', '--concurrency', '1']
    const child = start('run', input, '-o', output, ...flags)
    await arrived.promise
    child.kill('SIGINT')
    if (signals === 2) {
      // The second is told apart from the first only once that has been heard.
      while (!child.said().includes('Interrupted')) await once(child.stderr!, 'data')
      child.kill('SIGINT')
      expect(await once(child, 'exit')).toEqual([null, 'SIGINT'])
      expect(await readFile(output, 'utf8')).toBe('')
    } else {
      expect(await once(child, 'exit')).toEqual([130, null])
      expect((await readFile(output, 'utf8')).match(/\n/g)).toHaveLength(1)
    }
  })

  it.each([
    ['split', ['--max-tokens', '50']],
    ['limits', []],
    ['--help', []],
  ] as const)('that nobody reads any more ends quietly: %s', async (command, flags) => {
    const folder = await temporaryFolder()
    const text = join(folder, 'long.txt')
    await writeFile(text, 'Water finds its way. '.repeat(50_000))
    const given = command === 'split' ? [text] : []
    const child = spawn(process.execPath, [built.main, command, ...given, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.stdout.destroy()
    expect(await once(child, 'close')).toEqual([0, null])
    expect(said).not.toMatch(/EPIPE|Error/)
  })

  it('that runs a file into what nobody reads ends with 4', async () => {
    const simulator = await startSimulator({ latency: { firstTokenMs: 1, perTokenMs: 0, jitter: 0 } })
    const folder = await temporaryFolder()
    onTestFinished(() => simulator.close())
    const input = join(folder, 'in.jsonl')
    await writeFile(input, '{"prompt":"a"}\n'.repeat(20))
    const flags = ['--model', 'qwen-plus', '--base-url', simulator.url, '--rpm', '1000000', '--quiet']
    const child = spawn(process.execPath, [built.main, 'run', input, '-o', '-', ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.stdout.destroy()
    expect(await once(child, 'close')).toEqual([4, null])
    expect(said).toBe('headgate: the standard output cannot be written: nobody reads it any more\n')
  })

  it('ends with 2 for wrong use', async () => {
    const child = start('simulate', '--nonsense')
    expect(await once(child, 'exit')).toEqual([2, null])
  })
})

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve: () => resolve() }
}
