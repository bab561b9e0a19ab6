import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Seen from where this is compiled to. */
const ROOT = fileURLToPath(new URL('../../test/compat/', import.meta.url))

/** A folder with releases of its own. */
export interface Package {
  readonly folder: string
  /** The exact versions that it asks for, by name. */
  readonly wanted: Readonly<Record<string, string>>
}

interface Manifest {
  readonly version?: string
  readonly engines?: { readonly node?: string }
  readonly dependencies?: Readonly<Record<string, string>>
}

/** The packages whose folders begin with this name. */
export function packagesOf(name: string): Package[] {
  const folders = readdirSync(ROOT).filter((folder) => folder.startsWith(name))
  return folders.sort().map((folder) => {
    const path = join(ROOT, folder)
    return { folder: path, wanted: manifestIn(path).dependencies ?? {} }
  })
}

/** Installs what is missing or of another version. */
export async function install(packages: readonly Package[]): Promise<void> {
  const missing = packages.filter(({ folder, wanted }) =>
    Object.entries(wanted).some(([name, version]) => installed(folder, name)?.version !== version),
  )
  const options = ['--no-audit', '--no-fund', '--loglevel=error']
  await Promise.all(missing.map(({ folder }) => run('npm', ['ci', ...options], { cwd: folder })))
}

/** What of a package asks for a newer Node than this one. */
export function askingForNewerNode({ folder, wanted }: Package): string[] {
  const ours = Number(process.versions.node.split('.')[0])
  return Object.entries(wanted).flatMap(([name, version]) => {
    const { node = '' } = installed(folder, name)?.engines ?? {}
    const theirs = Number(/^>=\s*(\d+)/.exec(node)?.[1] ?? 0)
    return theirs > ours ? [`${name} ${version} asks for Node ${node}, and runs here on ${process.versions.node}`] : []
  })
}

export async function load<Sdk>({ folder }: Package): Promise<Sdk> {
  return (await import(pathToFileURL(join(folder, 'sdk.js')).href)) as Sdk
}

function installed(folder: string, name: string): Manifest | undefined {
  const path = join(folder, 'node_modules', name)
  return existsSync(join(path, 'package.json')) ? manifestIn(path) : undefined
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}
