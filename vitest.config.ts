import { readdirSync, readFileSync } from 'node:fs'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

/** `npm run test:long` runs the files that import test/support/long.ts. Those named `*.long.test.ts` run only there. */
const isLong = process.env['HEADGATE_LONG'] === '1'
const longFiles = () =>
  readdirSync('test', { recursive: true, encoding: 'utf8' })
    .map((file) => `test/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.test.ts') && readFileSync(file, 'utf8').includes("support/long.js'"))

/** These files mock a module, so each of them needs a process of its own. */
const mocking = ['test/batch/batch-api/{bad-answers,resuming,run-batch-api}.test.ts']
const alone: TestProjectInlineConfiguration = {
  extends: true,
  test: { name: 'alone', include: mocking, sequence: { groupOrder: 1 } },
}

/** All other files share one process for each core. A process for each file would cost more time than the tests. */
const together: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    name: 'together',
    include: isLong ? longFiles() : ['test/**/*.test.ts'],
    exclude: mocking,
    isolate: false,
    sequence: { groupOrder: 2 },
  },
}

export default defineConfig({
  test: {
    projects: isLong ? [together] : [alone, together],
    exclude: ['test/compat/**', 'test/types/oldest/**', ...(isLong ? [] : ['test/**/*.long.test.ts'])],
    setupFiles: ['test/support/seeded-properties.ts', 'test/support/quiet-warnings.ts'],
    testTimeout: isLong ? 300_000 : 30_000,
    // The default keeps one core for the main process, which has little to do.
    maxWorkers: '100%',
    // A test that asserts nothing fails.
    expect: { requireAssertions: true },
    // What one file replaces in a shared process is put back before the next test.
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'html'],
    },
  },
})
