import { UsageError } from '../exit-codes.js'

/** What the lines are made of, beside the pieces. */
export interface LineForm {
  readonly template: string
  readonly system?: string | undefined
  readonly model?: string | undefined
  readonly url: string
  readonly maxOutputTokens?: number | undefined
  readonly idPrefix: string
  /** The name that `{file}` stands for. */
  readonly file: string
}

/** @throws UsageError for a form whose lines would be of no use */
export function checkForm({ template, url }: Pick<LineForm, 'template' | 'url'>): void {
  if (!template.includes('{text}')) throw new UsageError('the template has no {text}: every line would be the same')
  if (!url.startsWith('/')) throw new UsageError(`--url is '${url}': give a path, as /v1/chat/completions`)
  const other = /\/(?:embeddings|responses|(?<!\/chat\/)completions)$/.exec(url)
  if (other !== null) throw new UsageError(`--url is '${url}': the lines have chat messages, which it does not take`)
}

/** The lines of JSON, with their line breaks, one at a time. */
export function* linesOf(pieces: readonly string[], form: LineForm): Generator<string, void, undefined> {
  const digits = Math.max(6, String(pieces.length).length)
  for (const [i, text] of pieces.entries()) {
    const index = i + 1
    const id = `${form.idPrefix}-${String(index).padStart(digits, '0')}`
    const content = filled(form.template, { text, index: String(index), count: String(pieces.length), file: form.file })
    yield `${JSON.stringify(lineOf(id, content, form))}\n`
  }
}

function lineOf(id: string, content: string, { system, model, url, maxOutputTokens }: LineForm): unknown {
  const messages = [...(system === undefined ? [] : [{ role: 'system', content: system }]), { role: 'user', content }]
  if (model === undefined) return { custom_id: id, messages }
  const body = { model, messages, ...(maxOutputTokens !== undefined && { max_tokens: maxOutputTokens }) }
  return { custom_id: id, method: 'POST', url, body }
}

/** What the template says by itself. */
export function templateText({ template, file }: Pick<LineForm, 'template' | 'file'>, count: number): string {
  return filled(template, { text: '', index: String(count), count: String(count), file })
}

/** In one pass: what a piece says in braces stays as it is, as does what is none of the names. */
function filled(template: string, values: Readonly<Record<'text' | 'index' | 'count' | 'file', string>>): string {
  return template.replace(/\{(text|index|count|file)\}/g, (_all, name: keyof typeof values) => values[name])
}
