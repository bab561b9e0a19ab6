import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A fenced block of a page. */
export interface Block {
  /** What stands after the fence: '' for the output of the block before it. */
  readonly language: string
  /** The file that the block shows; undefined for a block that is none. */
  readonly file: string | undefined
  readonly text: string
  /** The line of the fence, from 1. */
  readonly line: number
  /** What the block must print: the fence without a language that follows it at once. */
  output: string | undefined
}

/** A Markdown page of the repository. */
export interface Page {
  /** Below the root. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
  /** What `#…` of a link to this page may be. */
  readonly anchors: ReadonlySet<string>
}

const FOLDERS = ['', 'docs', 'docs/decisions'] as const

/** All pages that people read: those at the root, in `docs/` and its decisions. */
export function pages(): Page[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => readPage(join(folder, name))),
  )
}

export function readPage(path: string): Page {
  const text = readFileSync(join(root, path), 'utf8')
  return { path, text, blocks: blocksOf(text), anchors: anchorsOf(text) }
}

const FENCE = /^(`{3,}|~{3,})(.*)$/

function blocksOf(text: string): Block[] {
  const lines = text.split('\n')
  const blocks: Block[] = []
  let lastEnd = -1
  for (let at = 0; at < lines.length; at++) {
    const [, fence, info = ''] = FENCE.exec(lines[at]!) ?? []
    if (fence === undefined) continue
    const end = lines.indexOf(fence, at + 1)
    if (end === -1) throw new Error(`line ${at + 1}: the block has no end`)
    const [language = '', file] = info.trim().split(/\s+/)
    const block = { language, file, text: lines.slice(at + 1, end).join('\n') + '\n', line: at + 1, output: undefined }
    const before = blocks.at(-1)
    const isNext = before !== undefined && lines.slice(lastEnd + 1, at).every((line) => line === '')
    if (language === '' && isNext && before.output === undefined) before.output = block.text
    else blocks.push(block)
    lastEnd = at = end
  }
  return blocks
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading] of withoutBlocks(text).matchAll(/^#{1,6} +(.+)$/gm)) {
    const words = heading!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = words.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
    let anchor = slug
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`
    anchors.add(anchor)
  }
  return anchors
}

export function withoutBlocks(text: string): string {
  return text.replaceAll(/^(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1$/gm, '')
}

/** Links of a page to what is in the repository that lead nowhere. */
export function brokenLinks(page: Page, all: readonly Page[]): string[] {
  const prose = withoutBlocks(page.text).replaceAll(/`[^`]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target) && !leadsSomewhere(target, page, all))
}

function leadsSomewhere(target: string, page: Page, all: readonly Page[]): boolean {
  const [file = '', anchor] = target.split('#')
  const path = file === '' ? page.path : join(dirname(page.path), decodeURI(file))
  if (!existsSync(join(root, path))) return false
  if (anchor === undefined) return true
  return all.find((other) => other.path === path)?.anchors.has(anchor) === true
}
