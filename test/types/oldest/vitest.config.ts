import { defineConfig } from 'vitest/config'

/** Used by `npm run test:types`. It is not part of `npm test`, because it needs its own compilers. */
export default defineConfig({ test: { include: ['test/types/oldest/*.test.ts'], testTimeout: 120_000 } })
