import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const exec = promisify(execFile)

/** The package as npm would publish it, unpacked into a program's node_modules. */
export interface Packed {
  /** A folder whose node_modules contains only headgate. */
  readonly folder: string
  readonly tarball: string
  /** Paths inside the package. */
  readonly files: readonly string[]
  /** Adds the package's dependencies to node_modules, as npm would. */
  linkDependencies(): Promise<void>
  remove(): Promise<void>
}

/** Entries that a working copy has and a fresh clone does not, and git's own folder. */
const NOT_CLONED = new Set(['dist', 'build', 'coverage', '.git'])

function isCloned(path: string): boolean {
  const [top] = relative(root, path).split(sep)
  return !NOT_CLONED.has(top!) && basename(path) !== 'node_modules'
}

/** Packs a copy of the sources without build results, as `npm pack` in a fresh clone would. */
export async function pack(): Promise<Packed> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-packed-'))
  const clone = join(folder, 'clone')
  await cp(root, clone, { recursive: true, filter: isCloned })
  await symlink(join(root, 'node_modules'), join(clone, 'node_modules'))
  const { stdout } = await exec('npm', ['pack', '--json', '--pack-destination', folder], { cwd: clone })
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[]
  await rm(clone, { recursive: true })
  const tarball = join(folder, packed!.filename)
  const installed = join(folder, 'node_modules', 'headgate')
  await mkdir(installed, { recursive: true })
  await exec('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1'])
  return {
    folder,
    tarball,
    files: packed!.files.map(({ path }) => path),
    async linkDependencies() {
      const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as { dependencies: object }
      for (const name of Object.keys(manifest.dependencies)) {
        await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
