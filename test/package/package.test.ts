import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleSizes } from './bundle.js'
import { exec, pack, root, type Packed } from './packed.js'

/**
 * The most bytes that importing `headgate` may add to an app, minified by Vite and gzipped. The built-in tables count
 * apart.
 *
 * Measured: 51,215 and 1,109 bytes, rounded up. The goal for the core is 35,000. Smaller: each small change fails the
 * test. Larger: the package can grow unnoticed. A change that needs more bytes raises the number on purpose.
 */
const MAX_CORE_BYTES = 51_700
const MAX_TABLES_BYTES = 1150

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>
  exports: Record<string, string | Record<string, string>>
  dependencies?: Record<string, string>
}

let packed: Packed
beforeAll(async () => {
  packed = await pack()
}, 120_000)
afterAll(() => packed?.remove())

describe('the packed tarball', () => {
  test('contains the built code, its types, README, LICENSE and CHANGELOG, and no sources', () => {
    expect(packed.files).toEqual(
      expect.arrayContaining([
        'package.json',
        'README.md',
        'LICENSE',
        'CHANGELOG.md',
        'dist/index.js',
        'dist/index.d.ts',
      ]),
    )
    const strays = packed.files.filter(
      (path) =>
        !/^(dist\/.*\.(js|d\.ts)|package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|docs\/.*\.(md|svg))$/.test(
          path,
        ),
    )
    expect(strays).toEqual([])
  })

  test('contains every file that its exports and its command name', () => {
    const targets = [...Object.values(manifest.exports), manifest.bin].flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target),
    )
    expect(targets).toEqual(expect.arrayContaining(['./dist/index.js', './dist/index.d.ts', './dist/cli/main.js']))
    expect(packed.files).toEqual(expect.arrayContaining(targets.map((target) => target.replace(/^\.\//, ''))))
  })

  test('limits calls in a folder where only headgate is installed', async () => {
    writeFileSync(
      join(packed.folder, 'program.mjs'),
      `import { createLimiter } from 'headgate'
       const limiter = createLimiter({ limits: { m: { rpm: 6000, tpm: 1e6 } }, startFull: true })
       const results = await Promise.all([1, 2, 3].map((n) => limiter.schedule({ model: 'm', tokens: 10 }, () => n * n)))
       console.log(JSON.stringify(results))`,
    )
    const { stdout } = await exec(process.execPath, ['program.mjs'], { cwd: packed.folder })
    expect(JSON.parse(stdout)).toEqual([1, 4, 9])
  })

  test('can be imported by every sub-path of its exports, with its dependencies and without openai', async () => {
    await packed.linkDependencies()
    const paths = Object.keys(manifest.exports).filter((path) => path !== './package.json')
    expect(paths.length).toBeGreaterThanOrEqual(5)
    const program = paths
      .map((path) => `console.log(Object.keys(await import('headgate${path.slice(1)}')).length)`)
      .join('\n')
    writeFileSync(join(packed.folder, 'imports.mjs'), program)
    const { stdout } = await exec(process.execPath, ['imports.mjs'], { cwd: packed.folder })
    const counts = stdout.trim().split('\n').map(Number)
    expect(counts).toHaveLength(paths.length)
    expect(Math.min(...counts)).toBeGreaterThan(0)
  })

  test('adds at most its budget of bytes to an app that imports the core, and no import of another package', async () => {
    const { core, tables, imports } = await bundleSizes(
      join(packed.folder, 'node_modules', 'headgate', 'dist', 'index.js'),
    )
    expect(imports).toEqual([])
    expect(core).toBeLessThanOrEqual(MAX_CORE_BYTES)
    // If the tables were in another file, they would be counted as core.
    expect(tables).toBeGreaterThan(500)
    expect(tables).toBeLessThanOrEqual(MAX_TABLES_BYTES)
  })

  test('passes publint', async () => {
    const { messages } = await publint({
      pkgDir: join(packed.folder, 'node_modules', 'headgate'),
      pack: false,
      strict: true,
    })
    expect(messages).toEqual([])
  })

  test('has types that resolve for every importer of ES modules', async () => {
    const bin = join(root, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js')
    const { stdout } = await exec(process.execPath, [
      bin,
      packed.tarball,
      '--profile',
      'esm-only',
      '--format',
      'json',
      '--no-definitely-typed',
    ])
    const { problems } = (JSON.parse(stdout) as { analysis: { problems: { kind: string; resolutionKind?: string }[] } })
      .analysis
    // The esm-only profile leaves out two cases: resolution as in Node 10, and require() of an ES module.
    expect(
      problems.filter(({ resolutionKind }) => resolutionKind !== 'node10' && resolutionKind !== 'node16-cjs'),
    ).toEqual([])
  }, 60_000)
})
