import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

/** The house from the ground up: a room imports from itself and from the layers below its own. */
const LAYERS: readonly (readonly string[])[] = [
  ['types', 'errors', 'clock', 'json', 'system-errors'],
  ['abort-signals'],
  ['limits', 'tokens', 'quota'],
  ['metrics'],
  ['queue', 'throttling'],
  ['learning'],
  ['dispatch'],
  ['transport'],
  ['options'],
  ['limiter'],
  ['index'],
  ['openai', 'node', 'simulator', 'batch', 'model-studio'],
  ['cli'],
]

/** Rooms that may import less than what lies below them. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  // It counts with code of its own, so that no fault can hide on both sides.
  simulator: ['types', 'errors', 'clock', 'limits'],
}

/** Below the wings nothing but the language and the web's standards is used. */
const CORE: ReadonlySet<string> = new Set(LAYERS.slice(0, 11).flat())
const USES_NODE: ReadonlySet<string> = new Set(['node', 'simulator', 'batch', 'cli'])
/** Packages that rooms may import; a `type` is gone when the program runs. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  openai: ['type openai'],
  batch: ['p-queue'],
  cli: ['citty', 'commander', 'cli-progress'],
}
interface Import {
  readonly from: string
  readonly isType: boolean
}

/** Statements stand at the beginning of a line; examples in comments do not. */
const STATEMENT =
  /^(?:import|export)\s+(?:(?<what>(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\}|\w+(?:\s*,\s*(?:\{[^}]*\}|\*\s+as\s+\w+))?))\s+from\s+)?['"](?<from>[^'"\n]+)['"]/gm

function importsOf(source: string): Import[] {
  const statements = source.matchAll(STATEMENT)
  const code = source.replace(/^\s*(?:\*|\/\/|\/\*).*$/gm, '')
  const calls = code.matchAll(/\bimport\(\s*['"](?<from>[^'"]+)['"]\s*\)(?<member>\.[A-Z])?/g)
  return [
    ...[...statements].map(({ groups }) => ({ from: groups!['from']!, isType: isTypeOnly(groups!['what'] ?? '') })),
    ...[...calls].map(({ groups }) => ({ from: groups!['from']!, isType: groups!['member'] !== undefined })),
  ]
}

function isTypeOnly(what: string): boolean {
  if (/^type\s/.test(what)) return true
  const names = /^\s*\{([^}]*)\}\s*$/.exec(what)?.[1]?.split(',') ?? []
  return names.some((name) => name.trim() !== '') && names.every((name) => /^\s*(type\s.*)?$/s.test(name))
}

// The models and the line that sends to them know each other still.
const roomOf = (file: string) =>
  file
    .split('/')[0]!
    .replace(/\.[jt]s$/, '')
    .replace(/^models$/, 'dispatch')
const layerOf = (room: string) => LAYERS.findIndex((rooms) => rooms.includes(room))

/** What the imports of `file` (a path within src) break. */
function violationsOf(file: string, source: string): string[] {
  const room = roomOf(file)
  if (layerOf(room) === -1) return [`${file}: '${room}' is in no layer`]
  return importsOf(source).flatMap(({ from, isType }) => {
    const told = `${file}: ${isType ? 'type ' : ''}${from}`
    if (!from.startsWith('.')) return isAllowedPackage(room, from, isType) ? [] : [told]
    const target = posix.join(posix.dirname(file), from)
    if (target.startsWith('..')) return [told]
    const other = roomOf(target)
    if (other === room) return []
    const isBelow = layerOf(other) !== -1 && layerOf(other) < layerOf(room)
    return isBelow && (ONLY[room] ?? [other]).includes(other) ? [] : [told]
  })
}

function isAllowedPackage(room: string, from: string, isType: boolean): boolean {
  if (from.startsWith('node:')) return USES_NODE.has(room)
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(from)![0]
  return (PACKAGES[room] ?? []).some((allowed) => allowed === name || (isType && allowed === `type ${name}`))
}

const SRC = join(dirname(fileURLToPath(import.meta.url)), '../src')
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replaceAll('\\', '/'))
  .sort()
const read = (file: string) => readFileSync(join(SRC, file), 'utf8')

describe('the house', () => {
  test('has files', () => {
    expect(files.length).toBeGreaterThan(40)
    expect(files).toContain('dispatch/dispatcher.ts')
  })

  test.each(files)('%s imports downward only', (file) => {
    expect(violationsOf(file, read(file))).toEqual([])
  })

  test.each(files.filter((file) => CORE.has(roomOf(file))))('%s runs without Node', (file) => {
    const code = read(file).replace(/^\s*(?:\*|\/\/|\/\*).*$/gm, '')
    expect(code).not.toMatch(/\b(?:process|Buffer|setImmediate|require|__dirname|__filename)\b\s*[.([]/)
  })

  test('all imports are seen: as many as there are mentions', () => {
    for (const file of files) {
      const mentions = read(file).match(/^(?:(?:import|export)\b.*|\}) from '/gm) ?? []
      expect(importsOf(read(file)).length, file).toBeGreaterThanOrEqual(mentions.length)
    }
  })
})

describe('the rules', () => {
  test.each([
    ['quota/gate.ts', `import type { Cost } from '../types.js'`],
    ['quota/gate.ts', `import { Meter } from './meter.js'`],
    ['limits/data/beijing.ts', `import { rows } from '../rows.js'`],
    ['dispatch/dispatcher.ts', `import {\n  classify,\n  type Answer,\n} from '../throttling/classify.js'`],
    ['index.ts', `export { createLimiter } from './limiter.js'`],
    ['options/limiter-options.ts', `import type { Estimator } from '../transport/fetch.js'`],
    ['openai/index.ts', `import type OpenAI from 'openai'`],
    ['openai/index.ts', `import { type OpenAI } from 'openai'`],
    ['openai/index.ts', `type O = import('openai').OpenAI`],
    ['openai/index.ts', `import { createLimiter } from '../index.js'`],
    ['node/load-limits.ts', `import { readFile } from 'node:fs/promises'`],
    ['simulator/server.ts', `import { createServer } from 'node:http'`],
    ['simulator/models.ts', `import { builtInTables } from '../limits/built-in.js'`],
    ['cli/run/run.ts', `import { runBatch } from '../batch/index.js'`],
    ['batch/file/output-file.ts', `import { open } from 'node:fs/promises'`],
    ['batch/run/line-runner.ts', `import PQueue from 'p-queue'`],
    ['tokens/tokens.ts', ` * import OpenAI from 'openai'\n// import('openai')`],
  ])('%s may: %s', (file, source) => {
    expect(violationsOf(file, source)).toEqual([])
  })

  test.each([
    ['types.ts', `import { HeadgateError } from './limiter.js'`],
    ['errors.ts', `import type { Limits } from './types.js'`],
    ['quota/gate.ts', `import { readUsage } from '../tokens/usage.js'`],
    ['quota/gate.ts', `import type { Collector } from '../metrics/collector.js'`],
    ['quota/gate.ts', `export * from '../dispatch/run.js'`],
    ['quota/gate.ts', `import '../limiter.js'`],
    ['quota/gate.ts', `const later = await import('../limiter.js')`],
    ['throttling/classify.ts', `import type { Lane } from '../queue/scheduler.js'`],
    ['dispatch/dispatcher.ts', `import { send } from '../transport/send.js'`],
    ['options/limiter-options.ts', `import type { Limiter } from '../limiter.js'`],
    ['transport/fetch.ts', `import type { LimiterOptions } from '../options/limiter-options.js'`],
    ['limiter.ts', `import type { X } from './index.js'`],
    ['limiter.ts', `import {\n  a,\n} from './openai/index.js'`],
    ['dispatch/dispatcher.ts', `import PQueue from 'p-queue'`],
    ['dispatch/dispatcher.ts', `import type OpenAI from 'openai'`],
    ['limiter.ts', `import { performance } from 'node:perf_hooks'`],
    ['limiter.ts', `import type { Socket } from 'node:net'`],
    ['openai/index.ts', `import OpenAI from 'openai'`],
    ['openai/index.ts', `import { type OpenAI, APIError } from 'openai'`],
    ['openai/index.ts', `const { OpenAI } = await import('openai')`],
    ['openai/index.ts', `import { loadLimits } from '../node/index.js'`],
    ['openai/index.ts', `import { readFile } from 'node:fs'`],
    ['simulator/server.ts', `import { ModelGate } from '../quota/gate.js'`],
    ['simulator/server.ts', `import type { Usage } from '../tokens/usage.js'`],
    ['simulator/server.ts', `import { createLimiter } from '../index.js'`],
    ['batch/run-batch.ts', `import { loadLimits } from '../node/index.js'`],
    ['batch/run-batch.ts', `import OpenAI from 'openai'`],
    ['tokens/tokens.ts', `import data from '../../package.json'`],
    ['helpers/index.ts', ``],
    ['misc.ts', ``],
  ])('%s may not: %s', (file, source) => {
    expect(violationsOf(file, source)).toHaveLength(1)
  })
})
