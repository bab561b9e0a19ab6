import { defineConfig } from 'vitest/config'

/** `npm run test:types`: apart from `npm test`, for it needs compilers of its own. */
export default defineConfig({ test: { include: ['test/types/oldest/*.test.ts'], testTimeout: 120_000 } })
