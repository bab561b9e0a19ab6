import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'

/** Matches the files of the built package that hold the built-in tables of limits. */
const TABLES = /\/dist\/limits\/data\//

/** Matches imports that are no path: a package, or a module of Node. */
const ELSEWHERE = /^(?:node:|@?\w[\w.-]*(?:\/|$))/

export interface BundleSizes {
  /** Bytes of the code without the tables, minified and gzipped. */
  readonly core: number
  /** Bytes of the built-in tables of limits, minified and gzipped. */
  readonly tables: number
  /** The packages and modules of Node that the bundle imports. */
  readonly imports: readonly string[]
}

/** Bundles `entry` and its imports as an app's bundler would, with every export kept. */
export async function bundleSizes(entry: string): Promise<BundleSizes> {
  const bundle = (await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify: true,
      target: 'es2023',
      modulePreload: false,
      rolldownOptions: {
        input: entry,
        external: ELSEWHERE,
        preserveEntrySignatures: 'strict',
        output: { codeSplitting: { groups: [{ name: 'tables', test: TABLES }] } },
      },
    },
  })) as Rolldown.RolldownOutput
  const chunks = bundle.output.filter((output) => output.type === 'chunk')
  const own = new Set(chunks.map(({ fileName }) => fileName))
  const size = (isTables: boolean): number =>
    chunks
      .filter(({ name }) => (name === 'tables') === isTables)
      .reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0)
  return {
    core: size(false),
    tables: size(true),
    imports: chunks.flatMap(({ imports }) => imports).filter((name) => !own.has(name)),
  }
}
