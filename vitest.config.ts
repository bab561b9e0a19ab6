import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/compat/**'],
    testTimeout: 30_000,
    setupFiles: ['test/support/quiet-warnings.ts'],
  },
})
