import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The command line as one file, so that a process can run it without the package being built. */
export interface Built {
  readonly main: string
  remove(): Promise<void>
}

export async function buildCli(): Promise<Built> {
  // Two folders deep, where the command line looks for the package's own description.
  const directory = await mkdtemp(join(root, 'node_modules', '.headgate-cli-'))
  await build({
    root,
    logLevel: 'silent',
    configFile: false,
    ssr: { noExternal: true },
    build: {
      ssr: 'src/cli/main.ts',
      outDir: directory,
      emptyOutDir: false,
      rollupOptions: { output: { entryFileNames: 'main.mjs' } },
    },
  })
  return { main: join(directory, 'main.mjs'), remove: () => rm(directory, { recursive: true, force: true }) }
}
