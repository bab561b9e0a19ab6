import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** The longest installation, in ms: the runtimes are 90 to 160 MB each. */
const MAX_INSTALL_MS = 600_000

interface Manifest {
  readonly version?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

/** Installs the package of a case if something of it is missing or of another version. */
export async function install(folder: string): Promise<void> {
  const { dependencies = {} } = manifestIn(folder) ?? {}
  const isComplete = Object.entries(dependencies).every(([name, wanted]) => {
    const version = manifestIn(join(folder, 'node_modules', name))?.version
    // `npm:workerd@1.2.3` gives a release another name, so that two of them can stand side by side.
    return version !== undefined && version === wanted.slice(wanted.lastIndexOf('@') + 1)
  })
  if (isComplete) return
  // Scripts of the runtimes download what the registry's packages have already.
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  await run('npm', ['ci', ...options], { cwd: folder, timeout: MAX_INSTALL_MS })
}

function manifestIn(folder: string): Manifest | undefined {
  const path = join(folder, 'package.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Manifest) : undefined
}
