import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCli } from '../../src/cli/program.js'
import { brokenLinks, pages, readPage, root } from './pages.js'

const all = pages()

describe('the pages', () => {
  test.each(all.map((page) => [page.path, page] as const))('%s has links that lead somewhere', (_, page) => {
    expect(brokenLinks(page, all)).toEqual([])
  })

  test('a link to a missing file or heading is found', () => {
    const page = {
      ...readPage('README.md'),
      text: '[a](docs/none.md) [b](#none) [c](docs/limits.md#none) [d](LICENSE)',
    }
    expect(brokenLinks(page, all)).toEqual(['docs/none.md', '#none', 'docs/limits.md#none'])
  })

  test('the README, or CONTRIBUTING.md, links to every page of docs/', () => {
    const links = readPage('README.md').text + readPage('CONTRIBUTING.md').text
    for (const { path } of all.filter(({ path }) => /^docs\/[^/]+$/.test(path))) expect(links).toContain(`(${path})`)
  })

  test('name only scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    const named = all.flatMap(({ text }) =>
      [...text.matchAll(/npm run (?:-s )?([a-z][\w:]*)/g)].map(([, name]) => name!),
    )
    expect(named.length).toBeGreaterThan(10)
    for (const name of named) expect(scripts).toHaveProperty([name])
  })

  test('name only files that exist', () => {
    const files = /`((?:src|test|bench|examples|docs|\.ci)\/[\w./-]+)`/g
    for (const { path, text } of all.filter(({ path }) => path !== 'CHANGELOG.md')) {
      for (const [, file] of text.matchAll(files))
        expect(existsSync(join(root, file!)), `${file} in ${path}`).toBe(true)
    }
  })

  test('name only options that the commands have', async () => {
    const named = all.flatMap(({ path, text }) =>
      path === 'CHANGELOG.md' ? [] : [...text.matchAll(/(?<=[`'\s(])--[a-z][a-z-]+/g)].map(([flag]) => flag),
    )
    const help = (await Promise.all(COMMANDS.map(helpOf))).join('\n')
    const known = new Set([...help.matchAll(/--[a-z][a-z-]+/g)].map(([flag]) => flag))
    expect(named.length).toBeGreaterThan(30)
    expect([...new Set(named)].filter((flag) => !known.has(flag) && !OTHERS.has(flag))).toEqual([])
  })
})

const COMMANDS = [
  ...['run', 'plan', 'split', 'limits', 'quotas', 'simulate', 'deployments'].map((name) => [name]),
  ...['list', 'get', 'wait', 'create', 'update', 'scale', 'delete'].map((name) => ['deployments', name]),
]
/** Those of other programs: of the demo and the examples, of the benches, of npm and of the tools that check. */
const OTHERS = new Set(['--live', '--quick', '--noEmit', '--help', '--deny-warnings', '--check'])

async function helpOf(command: readonly string[]): Promise<string> {
  let text = ''
  const write = (part: string) => void (text += part)
  await runCli([...command, '--help'], {
    out: write,
    err: write,
    interrupted: () => new Promise(() => {}),
    ask: undefined,
    input: () => process.stdin,
    pipe: async (part) => write(part),
    screen: undefined,
    env: {},
  })
  return text
}
