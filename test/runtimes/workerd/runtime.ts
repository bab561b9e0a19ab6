import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { startProcess } from '../process.js'
import type { Runtime } from '../runtime.js'

/**
 * Two releases of workerd. The older one binds an `AbortSignal` to the request that made it: any other request that touches it
 * fails. Since August 2026 workerd allows that.
 */
export function runtimes(folder: string): readonly Runtime[] {
  return [runtimeOf(folder, 'workerd-2026-07'), runtimeOf(folder, 'workerd-2026-11')]
}

/** `name`: of the release in package.json, and of its configuration. */
function runtimeOf(folder: string, name: string): Runtime {
  return {
    name,
    start(worker) {
      const { default: workerd } = createRequire(join(folder, 'package.json'))(name) as { default: string }
      const config = join(folder, `${name}.capnp`)
      return startProcess(workerd, ['serve', '--control-fd=3', `--import-path=${dirname(worker)}`, config], portIn)
    },
  }
}

/** workerd writes a line of JSON for each socket that listens. */
function portIn(line: string): number | undefined {
  const { event, port } = JSON.parse(line) as { event?: string; port?: number }
  return event === 'listen' ? port : undefined
}
