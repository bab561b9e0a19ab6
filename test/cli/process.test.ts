import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
let directory = ''
let main = ''

// The command line as one file, so that a process can run it without the package being built.
beforeAll(async () => {
  // Two folders deep, where the command line looks for the package's own description.
  directory = await mkdtemp(join(root, 'node_modules', '.headgate-cli-'))
  await build({
    root,
    logLevel: 'silent',
    configFile: false,
    ssr: { noExternal: true },
    build: {
      ssr: 'src/cli/main.ts',
      outDir: directory,
      emptyOutDir: false,
      rollupOptions: { output: { entryFileNames: 'main.mjs' } },
    },
  })
  main = join(directory, 'main.mjs')
})

afterAll(() => rm(directory, { recursive: true, force: true }))

function start(...argv: string[]): ChildProcess & { readonly printed: () => string } {
  const child = spawn(process.execPath, [main, ...argv], { stdio: ['ignore', 'pipe', 'ignore'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  return Object.assign(child, { printed: () => text })
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

  it('ends with 2 for wrong use', async () => {
    const child = start('simulate', '--nonsense')
    expect(await once(child, 'exit')).toEqual([2, null])
  })
})
