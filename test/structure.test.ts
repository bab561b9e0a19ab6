import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')

interface Room {
  readonly layer: number
  /** Packages that it may import; `type x` allows types alone. */
  readonly packages: readonly string[]
  readonly usesNode: boolean
  /** The only rooms that it may import, where it says so. */
  readonly only: readonly string[] | undefined
}

/** The table of ARCHITECTURE.md: `| L1 | \`limits\` | subject | packages and limits |`. */
function readRooms(markdown: string): Map<string, Room> {
  const rows = markdown.matchAll(/^\| L(\d+) \| ([^|]+) \|[^|]*\|([^|]*)\|$/gm)
  return new Map(
    [...rows].flatMap(([, layer, names, extra]) => {
      const parts = extra!.split(',').map((part) => part.trim())
      const room: Room = {
        layer: Number(layer),
        packages: parts.filter((part) => part !== '' && part !== 'node:' && !part.startsWith('only ')),
        usesNode: parts.includes('node:'),
        only: parts
          .find((part) => part.startsWith('only '))
          ?.split(' ')
          .slice(1),
      }
      return [...names!.matchAll(/`([^`]+)`/g)].map(([, name]): [string, Room] => [name!, room])
    }),
  )
}

const rooms = readRooms(readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8'))
const indexLayer = rooms.get('index')!.layer

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

const roomOf = (file: string) => file.split('/')[0]!.replace(/\.[jt]s$/, '')

/** The imports of `file` (a path within src) that the table forbids. */
function violationsOf(file: string, source: string): string[] {
  const name = roomOf(file)
  const room = rooms.get(name)
  if (room === undefined) return [`${file}: '${name}' is in no layer of ARCHITECTURE.md`]
  return importsOf(source).flatMap(({ from, isType }) => {
    const violation = `${file}: ${isType ? 'type ' : ''}${from}`
    if (!from.startsWith('.')) return isAllowedPackage(room, from, isType) ? [] : [violation]
    const target = posix.join(posix.dirname(file), from)
    if (target.startsWith('..')) return [violation]
    const other = roomOf(target)
    if (other === name) return []
    const isBelow = (rooms.get(other)?.layer ?? Infinity) < room.layer
    return isBelow && (room.only ?? [other]).includes(other) ? [] : [violation]
  })
}

function isAllowedPackage(room: Room, from: string, isType: boolean): boolean {
  if (from.startsWith('node:')) return room.usesNode
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(from)![0]
  return room.packages.some((allowed) => allowed === name || (isType && allowed === `type ${name}`))
}

/** The groups of files that import one another in a circle (Tarjan's strongly connected components). */
function circlesIn(targetsOf: ReadonlyMap<string, readonly string[]>): string[][] {
  const indexOf = new Map<string, number>()
  const lowest = new Map<string, number>()
  const stack: string[] = []
  const circles: string[][] = []
  const visit = (file: string): void => {
    indexOf.set(file, indexOf.size)
    lowest.set(file, indexOf.get(file)!)
    stack.push(file)
    for (const target of targetsOf.get(file) ?? []) {
      if (target === file) circles.push([file])
      if (!indexOf.has(target)) visit(target)
      if (stack.includes(target)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(target)!))
    }
    if (lowest.get(file) !== indexOf.get(file)) return
    const circle = stack.splice(stack.indexOf(file))
    if (circle.length > 1) circles.push(circle.sort())
  }
  for (const file of targetsOf.keys()) if (!indexOf.has(file)) visit(file)
  return circles
}

const SRC = join(ROOT, 'src')
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replaceAll('\\', '/'))
  .sort()
const read = (file: string) => readFileSync(join(SRC, file), 'utf8')

const importGraph = new Map(
  files.map((file): [string, string[]] => [
    file,
    importsOf(read(file))
      .filter(({ from }) => from.startsWith('.'))
      .map(({ from }) => posix.join(posix.dirname(file), from).replace(/\.js$/, '.ts')),
  ]),
)

describe('the source', () => {
  test('is found by this test', () => {
    expect(files.length).toBeGreaterThan(40)
    expect(files).toContain('dispatch/dispatcher.ts')
  })

  test('has exactly the rooms that ARCHITECTURE.md names', () => {
    expect([...rooms.keys()].sort()).toEqual([...new Set(files.map(roomOf))].sort())
  })

  test('has no circle of imports, of types neither', () => {
    expect(circlesIn(importGraph)).toEqual([])
  })

  test('resolves every import to a file', () => {
    const missing = [...importGraph].flatMap(([file, targets]) =>
      targets.filter((target) => !importGraph.has(target)).map((target) => `${file}: ${target}`),
    )
    expect(missing).toEqual([])
  })

  test.each(files)('%s imports downward only', (file) => {
    expect(violationsOf(file, read(file))).toEqual([])
  })

  test.each(files.filter((file) => rooms.get(roomOf(file))!.layer <= indexLayer))('%s runs without Node', (file) => {
    const code = read(file).replace(/^\s*(?:\*|\/\/|\/\*).*$/gm, '')
    expect(code).not.toMatch(/\b(?:process|Buffer|setImmediate|require|__dirname|__filename)\b\s*[.([]/)
  })

  test('has no import that this test does not see', () => {
    for (const file of files) {
      const mentions = read(file).match(/^(?:(?:import|export)\b.*|\}) from '/gm) ?? []
      expect(importsOf(read(file)).length, file).toBeGreaterThanOrEqual(mentions.length)
    }
  })
})

describe('a circle of imports', () => {
  test.each<[string, Record<string, string[]>, string[][]]>([
    ['of two files is found', { a: ['b'], b: ['a'] }, [['a', 'b']]],
    ['of three files is found', { a: ['b'], b: ['c'], c: ['a', 'd'], d: [] }, [['a', 'b', 'c']]],
    ['of one file is found', { a: ['a'] }, [['a']]],
    ['is not a diamond', { a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }, []],
  ])('%s', (_name, graph, circles) => {
    expect(circlesIn(new Map(Object.entries(graph)))).toEqual(circles)
  })
})

describe('the rules', () => {
  test.each([
    ['quota/gate.ts', `import type { Cost } from '../types.js'`],
    ['quota/gate.ts', `import { Meter } from './meter.js'`],
    ['limits/data/beijing.ts', `import { rows } from '../rows.js'`],
    ['dispatch/dispatcher.ts', `import {\n  classify,\n  type ErrorResponse,\n} from '../throttling/classify.js'`],
    ['dispatch/dispatcher.ts', `import type { ModelState } from '../models/model-state.js'`],
    ['index.ts', `export { createLimiter } from './limiter.js'`],
    ['options/limiter-options.ts', `import type { Estimator } from '../transport/fetch.js'`],
    ['openai/index.ts', `import type OpenAI from 'openai'`],
    ['openai/index.ts', `import { type OpenAI } from 'openai'`],
    ['openai/index.ts', `type O = import('openai').OpenAI`],
    ['openai/index.ts', `import { createLimiter } from '../index.js'`],
    ['node/load-limits.ts', `import { readFile } from 'node:fs/promises'`],
    ['simulator/server.ts', `import { createServer } from 'node:http'`],
    ['simulator/models.ts', `import { builtInTables } from '../limits/built-in-tables.js'`],
    ['cli/run/run.ts', `import { runBatch } from '../../batch/index.js'`],
    ['batch/file/output-file.ts', `import { open } from 'node:fs/promises'`],
    ['batch/run/line-runner.ts', `import PQueue from 'p-queue'`],
    ['tokens/text-tokens.ts', ` * import OpenAI from 'openai'\n// import('openai')`],
  ])('%s may: %s', (file, source) => {
    expect(violationsOf(file, source)).toEqual([])
  })

  test.each([
    ['types.ts', `import { HeadgateError } from './limiter.js'`],
    ['errors.ts', `import type { Limits } from './types.js'`],
    ['quota/gate.ts', `import { readUsage } from '../tokens/usage.js'`],
    ['quota/gate.ts', `import type { Collector } from '../metrics/collector.js'`],
    ['quota/gate.ts', `export * from '../dispatch/dispatcher.js'`],
    ['quota/gate.ts', `import '../limiter.js'`],
    ['quota/gate.ts', `const later = await import('../limiter.js')`],
    ['throttling/classify.ts', `import type { Lane } from '../queue/lane.js'`],
    ['throttling/classify.ts', `import type { Episodes } from '../learning/episodes.js'`],
    ['models/model-state.ts', `import type { Job } from '../dispatch/job.js'`],
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
    ['simulator/server.ts', `import { ModelGate } from '../quota/model-gate.js'`],
    ['simulator/server.ts', `import type { Usage } from '../tokens/usage.js'`],
    ['simulator/server.ts', `import { createLimiter } from '../index.js'`],
    ['batch/run/run-batch.ts', `import { loadLimits } from '../../node/index.js'`],
    ['batch/run/run-batch.ts', `import OpenAI from 'openai'`],
    ['tokens/text-tokens.ts', `import data from '../../package.json'`],
    ['helpers/index.ts', ``],
    ['misc.ts', ``],
  ])('%s may not: %s', (file, source) => {
    expect(violationsOf(file, source)).toHaveLength(1)
  })
})
