import { basename } from 'node:path'
import { FileError } from '../../batch/file/file-error.js'
import { textPieces } from '../../batch/text/split-text.js'
import { estimateTextTokens } from '../../tokens/text-tokens.js'
import type { AddCommand } from '../add-command.js'
import { EXIT, UsageError } from '../exit-codes.js'
import { checkNewFile, writeNewFile } from '../files/new-file.js'
import { checkForm, linesOf, templateText } from './split-lines.js'
import type { LineForm } from './split-lines.js'
import { readTextFile, STANDARD_INPUT } from '../files/text-file.js'
import { wholeNumber } from '../option-values.js'

const EXAMPLES = `
The limit is for a piece of the text alone. The template and the system message come on top of it; what they add is
printed at the end. Tokens are estimates, within 15 % on English, Chinese and source code.
In the template, {text} is the piece, {index} its number from 1, {count} how many there are, {file} the file's name.
Pieces of nothing but white space become no lines.

Examples:
  headgate split book.txt --max-tokens 4000 --model qwen-plus -o requests.jsonl
  headgate split book.txt --max-tokens 4000 --overlap-tokens 200 --template 'Sum up: {text}'
  headgate split book.txt --max-tokens 4000 --model qwen-plus --template @prompt.txt --system 'You translate.'
  pdftotext paper.pdf - | headgate split - --max-tokens 2000 --model qwen-plus --id-prefix paper > requests.jsonl
`

interface SplitFlags {
  readonly maxTokens: number
  readonly overlapTokens: number
  readonly template: string
  readonly system?: string
  readonly model?: string
  readonly url: string
  readonly idPrefix?: string
  readonly maxOutputTokens?: number
  readonly output: string
  readonly force?: true
  readonly quiet?: true
}

/** `headgate split`: makes the lines of a batch from a long text. */
export const addSplit: AddCommand = (program, terminal, finish) => {
  program
    .command('split')
    .description('split a long text into the lines of a batch file')
    .argument('<file>', 'a text in UTF-8; - is the standard input')
    .requiredOption('--max-tokens <number>', 'the most tokens of a piece, without the template', wholeNumber(1))
    .option('--overlap-tokens <number>', 'how much of a piece the next one repeats, at most', wholeNumber(0), 0)
    .option('--template <text|@file>', 'what is asked of each piece', '{text}')
    .option('--system <text|@file>', 'a system message for every line, as it stands')
    .option('--model <name>', 'the model; without it, lines have an id and messages alone')
    .option('--url <path>', 'the endpoint of the lines', '/v1/chat/completions')
    .option('--id-prefix <text>', "what the lines' ids begin with; without it, the file's name")
    .option('--max-output-tokens <number>', 'the most tokens of an answer (max_tokens)', wholeNumber(1))
    .option('-o, --output <file>', 'where to write; - is the standard output', '-')
    .option('--force', 'replace the file that is there')
    .option('--quiet', 'say nothing at the end')
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, flags: SplitFlags) => {
      checkFlags(flags)
      const form = await formOf(path, flags)
      const isFile = flags.output !== '-'
      if (isFile) await checkNewFile(flags.output, flags.force === true, path === STANDARD_INPUT ? undefined : path)
      const pieces = piecesOf(await readTextFile(path), flags)
      if (pieces.texts.length === 0) throw new FileError(`${form.file} has no text: there is nothing to split`)
      const lines = linesOf(pieces.texts, form)
      if (isFile) await writeNewFile(flags.output, lines)
      else for (const line of lines) terminal.out(line)
      if (flags.quiet !== true) terminal.err(summary(pieces, form, flags))
      finish(EXIT.done)
    })
}

function checkFlags({ maxTokens, overlapTokens, model, maxOutputTokens }: SplitFlags): void {
  if (overlapTokens >= maxTokens) {
    throw new UsageError(`--overlap-tokens is ${overlapTokens}: give less than --max-tokens (${maxTokens})`)
  }
  if (model === undefined && maxOutputTokens !== undefined) throw new UsageError('--max-output-tokens needs --model')
}

async function formOf(path: string, flags: SplitFlags): Promise<LineForm> {
  const file = path === STANDARD_INPUT ? 'stdin' : basename(path)
  const { model, url, maxOutputTokens, idPrefix = file } = flags
  const template = await textOrFile(flags.template)
  checkForm({ template, url })
  const system = flags.system === undefined ? undefined : await textOrFile(flags.system)
  return { template, system, model, url, maxOutputTokens, idPrefix, file }
}

/** A text, or the content of the file that is named after an `@`. */
async function textOrFile(value: string): Promise<string> {
  return value.startsWith('@') ? await readTextFile(value.slice(1)) : value
}

interface Pieces {
  readonly texts: readonly string[]
  readonly tokens: number
  readonly largestTokens: number
}

function piecesOf(text: string, { maxTokens, overlapTokens }: SplitFlags): Pieces {
  const pieces = [...textPieces(text, { maxTokens, overlapTokens })].filter((piece) => piece.text.trim() !== '')
  return {
    texts: pieces.map((piece) => piece.text),
    tokens: pieces.reduce((sum, piece) => sum + piece.tokens, 0),
    largestTokens: pieces.reduce((most, piece) => Math.max(most, piece.tokens), 0),
  }
}

function summary({ texts, tokens, largestTokens }: Pieces, form: LineForm, { maxTokens }: SplitFlags): string {
  const [count, all, most, limit] = [texts.length, tokens, largestTokens, maxTokens].map((n) => n.toLocaleString('en'))
  const added = estimateTextTokens(templateText(form, texts.length)) + estimateTextTokens(form.system ?? '')
  const own = `template${form.system === undefined ? '' : ' and system message'}`
  const pieces = texts.length === 1 ? 'piece' : 'pieces'
  return (
    `${form.file}: ${count} ${pieces}, about ${all} tokens, the largest ${most} of ${limit}; ` +
    `the ${own} add${form.system === undefined ? 's' : ''} about ${added.toLocaleString('en')} to each\n`
  )
}
