import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pack, root, type Packed } from '../../package/packed.js'

const run = promisify(execFile)
const here = join(root, 'test/types/oldest')
const compilers = join(here, 'node_modules')
const today = join(root, 'node_modules/typescript')

const options = { target: 'es2022', strict: true, skipLibCheck: false, noEmit: true }
const node = { ...options, lib: ['es2022'], types: ['node'] }
const web = { ...options, lib: ['es2022', 'dom', 'esnext.disposable'], types: [] }
const bundler = { module: 'es2022', moduleResolution: 'bundler' }
const nodenext = { module: 'nodenext', moduleResolution: 'nodenext' }

const cases = [
  ['TypeScript 5.0, resolved as Node does', join(compilers, 'typescript'), 'consumer.ts', { ...node, ...nodenext }],
  ['TypeScript 5.0, resolved as bundlers do', join(compilers, 'typescript'), 'consumer.ts', { ...node, ...bundler }],
  ['TypeScript 5.2, without Node', join(compilers, 'typescript-5.2'), 'web.ts', { ...web, ...bundler }],
  ['today’s TypeScript, resolved as Node does', today, 'consumer.ts', { ...node, ...nodenext }],
  ['today’s TypeScript, without Node', today, 'web.ts', { ...web, ...bundler }],
] as const

let packed: Packed
beforeAll(async () => {
  packed = await pack()
  writeFileSync(join(packed.folder, 'package.json'), '{ "type": "module" }')
  const modules = join(packed.folder, 'node_modules')
  mkdirSync(join(modules, '@types'))
  cpSync(join(compilers, '@types/node'), join(modules, '@types/node'), { recursive: true })
  cpSync(join(compilers, 'undici-types'), join(modules, 'undici-types'), { recursive: true })
}, 120_000)
afterAll(() => packed?.remove())

/** Compiles a program against the packed package. Returns the compiler's output. */
async function compile(compiler: string, program: string, compilerOptions: object): Promise<string> {
  writeFileSync(join(packed.folder, 'program.ts'), program)
  writeFileSync(join(packed.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }))
  const tsc = [join(compiler, 'bin/tsc'), '-p', '.', '--pretty', 'false']
  return run(process.execPath, tsc, { cwd: packed.folder }).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string; message: string }) => error.stdout || error.message,
  )
}

describe.each(cases)('the published declarations, with %s', (_, compiler, file, compilerOptions) => {
  const program = readFileSync(join(here, '..', file), 'utf8')
  const isMark = (line: string): boolean => line.includes('@ts-expect-error')

  test('compile in a strict program that uses them correctly', async () => {
    expect(await compile(compiler, program, compilerOptions)).toBe('')
  })

  test('reject each wrong argument, in the line after its mark', async () => {
    const lines = program.split('\n')
    const wrong = lines.flatMap((line, i) => (isMark(line) ? [i + 2] : []))
    expect(wrong.length).toBeGreaterThan(0)
    const said = await compile(compiler, lines.map((line) => (isMark(line) ? '' : line)).join('\n'), compilerOptions)
    expect([...said.matchAll(/^program\.ts\((\d+),\d+\): error/gm)].map(([, line]) => Number(line))).toEqual(wrong)
  })
})

test('the README states the oldest tested TypeScript', () => {
  const { version } = JSON.parse(readFileSync(join(compilers, 'typescript/package.json'), 'utf8')) as {
    version: string
  }
  const stated = /types need TypeScript ([\d.]+) or later/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1]
  expect(version.startsWith(`${stated}.`)).toBe(true)
})
