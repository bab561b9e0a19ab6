import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const ENTRY = fileURLToPath(new URL('worker/index.js', import.meta.url))
const OUTPUT = fileURLToPath(new URL('bundle', import.meta.url))

/** Bundles the worker with the built package and the `openai` client into one module; resolves to its path. */
export async function bundleWorker(): Promise<string> {
  await build({
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: {
      target: 'es2023',
      minify: false,
      outDir: OUTPUT,
      emptyOutDir: true,
      lib: { entry: ENTRY, formats: ['es'], fileName: () => 'worker.js' },
    },
  })
  return join(OUTPUT, 'worker.js')
}
