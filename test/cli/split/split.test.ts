import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { run } from '../terminal.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const TEXT = 'One two three. Four five six.\n\nSeven eight nine. Ten eleven twelve.\n'

async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await temporaryFolder()
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  return folder
}

interface Line {
  readonly custom_id: string
  readonly messages?: readonly { readonly role: string; readonly content: string }[]
  readonly method?: string
  readonly url?: string
  readonly body?: { readonly messages: readonly { readonly role: string; readonly content: string }[] }
}

const linesIn = (text: string): Line[] => {
  expect(text.endsWith('\n')).toBe(true)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

function pipe(content: string): void {
  const own = Object.getOwnPropertyDescriptor(process, 'stdin')!
  Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(content)]), configurable: true })
  onTestFinished(() => void Object.defineProperty(process, 'stdin', own))
}

describe('headgate split', () => {
  it('writes lines with ids and messages, that hold the text once', async () => {
    const folder = await folderWith({ 'book.txt': `\ufeff${TEXT}` })
    const command = run('split', join(folder, 'book.txt'), '--max-tokens', '10')
    expect(await command.code).toBe(0)
    const lines = linesIn(command.out)
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.map((line) => line.messages![0]!.content).join('')).toBe(TEXT)
    expect(lines.map((line) => line.custom_id).slice(0, 2)).toEqual(['book.txt-000001', 'book.txt-000002'])
    expect(Object.keys(lines[0]!)).toEqual(['custom_id', 'messages'])
    expect(command.err).toMatch(
      /^book\.txt: \d pieces, about \d+ tokens, the largest \d+ of 10; the template adds about 0 to each\n$/,
    )
  })

  it('writes the lines of a batch, made from a template, to a file', async () => {
    const folder = await folderWith({ 'a.txt': 'Say {index}.', 'ask.txt': '{file} {index}/{count} {other}: {text}' })
    const out = join(folder, 'out.jsonl')
    const ask = ['--template', `@${join(folder, 'ask.txt')}`, '--system', 'You $& {text}.', '--max-output-tokens', '9']
    const lineFlags = ['--model', 'qwen-plus', '--url', '/v1/chat/ds-test', '--id-prefix', 'x']
    const command = run('split', join(folder, 'a.txt'), '--max-tokens', '50', '-o', out, ...ask, ...lineFlags)
    expect(await command.code).toBe(0)
    expect(command.out).toBe('')
    expect(linesIn(await readFile(out, 'utf8'))).toEqual([
      {
        custom_id: 'x-000001',
        method: 'POST',
        url: '/v1/chat/ds-test',
        body: {
          model: 'qwen-plus',
          messages: [
            { role: 'system', content: 'You $& {text}.' },
            { role: 'user', content: 'a.txt 1/1 {other}: Say {index}.' },
          ],
          max_tokens: 9,
        },
      },
    ])
    expect(command.err).toMatch(/a\.txt: 1 piece, .*the template and system message add about [1-9]\d* to each\n$/)
    expect((await readdir(folder)).sort()).toEqual(['a.txt', 'ask.txt', 'out.jsonl'])
  })

  it('repeats what it is told to, and is quiet', async () => {
    const folder = await folderWith({ a: TEXT })
    const flags = ['--max-tokens', '12', '--overlap-tokens', '5', '--quiet']
    const command = run('split', join(folder, 'a'), ...flags)
    expect(await command.code).toBe(0)
    const contents = linesIn(command.out).map((line) => line.messages![0]!.content)
    expect(contents.join('').length).toBeGreaterThan(TEXT.length)
    expect(command.err).toBe('')
  })

  it('reads the standard input', async () => {
    pipe('Text that comes along.')
    const command = run('split', '-', '--max-tokens', '50', '--model', 'm')
    expect(await command.code).toBe(0)
    const [line] = linesIn(command.out)
    expect(line).toMatchObject({ custom_id: 'stdin-000001', method: 'POST', url: '/v1/chat/completions' })
    expect(line!.body!.messages).toEqual([{ role: 'user', content: 'Text that comes along.' }])
  })

  it('replaces a file only with --force, and never the one that it reads', async () => {
    const folder = await folderWith({ 'a.txt': TEXT, out: 'precious' })
    const [a, out] = [join(folder, 'a.txt'), join(folder, 'out')]
    const refused = run('split', a, '--max-tokens', '50', '-o', out)
    expect(await refused.code).toBe(2)
    expect(refused.err).toContain('exists: choose another file, or add --force')
    expect(await readFile(out, 'utf8')).toBe('precious')
    const itself = run('split', a, '--max-tokens', '50', '-o', a, '--force')
    expect(await itself.code).toBe(2)
    expect(await readFile(a, 'utf8')).toBe(TEXT)
    expect(await run('split', a, '--max-tokens', '50', '-o', out, '--force').code).toBe(0)
    expect(linesIn(await readFile(out, 'utf8'))).toHaveLength(1)
  })

  it('shows examples and what the limit is for', async () => {
    const command = run('split', '--help')
    expect(await command.code).toBe(0)
    expect(command.out).toContain('headgate split book.txt --max-tokens 4000')
    expect(command.out).toContain('The limit is for a piece of the text alone')
  })
})

describe('what cannot be split', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['bytes that are no UTF-8', Buffer.from([0x61, 0xef, 0xbf, 0xbd, 0xc3, 0xa9, 0xff, 0x62]), /offset 6 is wrong/],
    ['a character cut short at the end', Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xe4, 0xbd]), /offset 4 is wrong/],
    ['UTF-16', Buffer.from('\ufeffabc', 'utf16le'), /offset 0 is wrong/],
    ['nothing', Buffer.from(' \n\n '), /has no text/],
  ])('%s ends with 4', async (_what, content, message) => {
    const folder = await folderWith({ a: content })
    const out = join(folder, 'out')
    const command = run('split', join(folder, 'a'), '--max-tokens', '9', '-o', out)
    expect(await command.code).toBe(4)
    expect(command.err).toMatch(message)
    expect(await readdir(folder)).toEqual(['a'])
  })

  it('files that cannot be read or written end with 4', async () => {
    const folder = await folderWith({ a: TEXT })
    await mkdir(join(folder, 'sub'))
    for (const [argv, message] of [
      [[join(folder, 'none')], /does not exist/],
      [[join(folder, 'sub')], /is a directory/],
      [[join(folder, 'a'), '--template', `@${join(folder, 'none')}`], /does not exist/],
      [[join(folder, 'a'), '-o', join(folder, 'none', 'out')], /cannot be written/],
    ] as const) {
      const command = run('split', ...argv, '--max-tokens', '9')
      expect(await command.code).toBe(4)
      expect(command.err).toMatch(message)
    }
  })

  it.each<[string[], RegExp]>([
    [[], /--max-tokens/],
    [['--max-tokens', '0'], /whole number, 1 or more/],
    [['--max-tokens', '5', '--overlap-tokens', '5'], /--overlap-tokens is 5: give less than --max-tokens \(5\)/],
    [['--max-tokens', '5', '--template', 'hello'], /no \{text\}/],
    [['--max-tokens', '5', '--url', 'v1/x'], /--url is 'v1\/x': give a path/],
    [['--max-tokens', '5', '--url', '/v1/embeddings'], /chat messages, which it does not take/],
    [['--max-tokens', '5', '--url', '/v1/completions'], /chat messages, which it does not take/],
    [['--max-tokens', '5', '--max-output-tokens', '5'], /needs --model/],
    [['--max-tokens', '5', '-o', tmpdir()], /is no file/],
  ])('with %j it ends with 2', async (flags, message) => {
    const folder = await folderWith({ a: TEXT })
    const command = run('split', join(folder, 'a'), ...flags)
    expect(await command.code).toBe(2)
    expect(command.err).toMatch(message)
    expect(command.out).toBe('')
  })
})
