import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { lenient, startSimulator } from '../../src/simulator/index.js'
import { type Block, type Page, root } from './pages.js'

/** What stands in the working directory where a page does not show a file of that name. */
const FILES: Readonly<Record<string, string>> = {
  'in.jsonl': '{"prompt":"What is 2 + 2?"}\n{"prompt":"What is 3 + 3?"}\n',
}
const PRELUDE = new URL('prelude.mjs', import.meta.url).href
const RUN_PROGRAMS = fileURLToPath(new URL('run-programs.mjs', import.meta.url))
/** Printed before the output of each block, to tell where it begins. */
const MARK = '\u0000'

/** What `npx headgate …` of a page runs, and `npm …` does not: which scripts there are is another test's. */
const COMMANDS = {
  npx: `[ "$1" = headgate ] || exit 97\nshift\nexec node '${join(root, 'dist/cli/main.js')}' "$@"\n`,
  npm: 'exit 0\n',
}

/** What a block printed, where its page says what it must print. */
export interface Printed {
  readonly line: number
  readonly expected: string
  readonly printed: string
}

/**
 * Runs all programs and commands of a page against a simulator, in a working directory of their own that has the files which
 * the page shows. The programs run in one process. A program is a block of JavaScript that imports something, and the blocks after it that import nothing.
 *
 * @throws Error with what was printed where a program or a command fails
 */
export async function runPage(page: Page): Promise<Printed[]> {
  // Inside the package, whose programs may import it by its name.
  await mkdir(join(root, 'build'), { recursive: true })
  const folder = await mkdtemp(join(root, 'build', 'docs-'))
  const service = await startSimulator(
    lenient({
      latency: { firstTokenMs: 1, perTokenMs: 0 },
      controlPlane: { pendingMs: 0, deployMs: [0, 0], updateMs: 0, scaleMs: 0, deleteMs: 0 },
      batch: { validateMs: 0, linesPerSecond: 1e6, finalizeMs: 0 },
    }),
  )
  try {
    const env = await surroundings(folder, service.url, page)
    const printed = await runPrograms(page, folder, env)
    for (const block of page.blocks.filter(({ language }) => language === 'sh')) {
      const text = await runCommands(block, folder, env)
      if (block.output !== undefined) printed.push({ line: block.line, expected: block.output, printed: text })
    }
    return printed
  } finally {
    await service.close()
    await rm(folder, { recursive: true })
  }
}

type Env = Readonly<Record<string, string>>

async function surroundings(folder: string, service: string, page: Page): Promise<Env> {
  const files = { ...FILES }
  for (const { file, text } of page.blocks) if (file !== undefined) files[file] = text
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const commands = join(folder, 'commands')
  await mkdir(commands)
  for (const [name, script] of Object.entries(COMMANDS)) {
    await writeFile(join(commands, name), `#!/bin/sh\n${script}`)
    await chmod(join(commands, name), 0o755)
  }
  return {
    PATH: [commands, dirname(process.execPath), process.env['PATH']].join(delimiter),
    NODE_OPTIONS: `--import ${PRELUDE}`,
    HEADGATE_DOCS_SERVICE: service,
    ...(page.path.endsWith('batch-api.md') && { HEADGATE_DOCS_FAST_POLLS: '1' }),
    ...Object.fromEntries(KEYS.map((name) => [name, 'any'])),
  }
}

const KEYS = ['DASHSCOPE_API_KEY', 'OPENAI_API_KEY', 'AZURE_OPENAI_API_KEY', 'HEADGATE_API_KEY'] as const

async function runPrograms(page: Page, folder: string, env: Env): Promise<Printed[]> {
  const blocks = page.blocks.filter(({ language }) => language === 'js')
  if (blocks.length === 0) return []
  const programs: string[] = []
  for (const { text } of blocks) {
    const marked = `${text}console.log(${JSON.stringify(MARK)})\n`
    if (/^import\b/m.test(text) || programs.length === 0) programs.push(marked)
    else programs.push(programs.pop()! + marked)
  }
  const paths = programs.map((_, index) => join(folder, `program-${index + 1}.mjs`))
  for (const [index, path] of paths.entries()) await writeFile(path, programs[index]!)
  const urls = paths.map((path) => pathToFileURL(path).href)
  const text = await run(process.execPath, [RUN_PROGRAMS, ...urls], folder, env)
  const outputs = text.split(`${MARK}\n`)
  return blocks.flatMap(({ line, output }, index) => {
    return output === undefined ? [] : [{ line, expected: output, printed: outputs[index] ?? '' }]
  })
}

/** The commands of a block. What goes on in the background (`… &`) is begun, and ended once it has said something. */
async function runCommands({ text }: Block, folder: string, env: Env): Promise<string> {
  const lines = text.replaceAll('\\\n', '').split('\n')
  for (const line of lines.filter((each) => each.endsWith('&'))) {
    await run('/bin/sh', ['-c', `exec ${line.slice(0, -1)}`], folder, env, true)
  }
  const script = lines.filter((line) => !line.endsWith('&')).join('\n')
  return run('/bin/sh', ['-ec', script], folder, env)
}

/** `isServer`: it goes on until it is told to end, which it is as soon as it has printed something. */
async function run(command: string, args: readonly string[], cwd: string, env: Env, isServer = false): Promise<string> {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  if (isServer) child.stdout.once('data', () => void child.kill())
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (code !== 0) throw new Error(`${args.join(' ')}\nended with ${code ?? signal}:\n${out}${err}`)
  return out
}
