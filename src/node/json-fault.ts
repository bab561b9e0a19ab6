/** A place in a text, as editors count: both from 1, columns in UTF-16 units. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** The first thing in a text that JSON does not allow there. */
export interface JsonFault extends Place {
  /** What stands there: a character in quotes, or the end of the text. */
  readonly found: string
}

type Expected = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing'

const SPACE = /[ \t\n\r]*/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const VALUE = '["[{]|-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null'

/** The tokens that may stand next; a quote opens a string. An end is matched to what is open below. */
const TOKENS: Readonly<Record<Expected, RegExp>> = {
  value: new RegExp(VALUE, 'y'),
  'value or end': new RegExp(`\\]|${VALUE}`, 'y'),
  key: /"/y,
  'key or end': /["}]/y,
  colon: /:/y,
  'comma or end': /[,\]}]/y,
  nothing: /(?!)/y,
}

/**
 * Where `text` stops being JSON (RFC 8259), or undefined if it is all JSON. For error messages: the engine's own name
 * a place only sometimes, and each version in other words. A string that is not closed or not well formed counts from
 * its quote.
 */
export function jsonFault(text: string): JsonFault | undefined {
  const open: ('{' | '[')[] = []
  let expected: Expected = 'value'
  for (let offset = skip(SPACE, text, 0); ; offset = skip(SPACE, text, offset)) {
    if (expected === 'nothing' && offset === text.length) return undefined
    const end = tokenEnd(expected, text, offset)
    const token = end === offset ? '' : text[offset]
    if (token === '' || (token === '}' && open.at(-1) !== '{') || (token === ']' && open.at(-1) !== '[')) {
      return { ...placeOf(text, offset), found: foundAt(text, offset) }
    }
    if (token === '}' || token === ']') open.pop()
    if (token === '{' || token === '[') open.push(token)
    expected = following(token, expected, open)
    offset = end
  }
}

/** What may come after the token that begins with the character `first`. */
function following(first: string | undefined, expected: Expected, open: readonly ('{' | '[')[]): Expected {
  if (first === '{') return 'key or end'
  if (first === '[') return 'value or end'
  if (first === ',') return open.at(-1) === '{' ? 'key' : 'value'
  if (first === ':') return 'value'
  if (first !== '}' && (expected === 'key' || expected === 'key or end')) return 'colon'
  return open.length === 0 ? 'nothing' : 'comma or end'
}

/** Where the token at `offset` ends; `offset` itself where none of those expected stands there. */
function tokenEnd(expected: Expected, text: string, offset: number): number {
  const end = skip(TOKENS[expected], text, offset)
  return end > offset && text[offset] === '"' ? stringEnd(text, offset) : end
}

/** By hand, not by a pattern: one that repeats a choice overflows the stack on a string of a few megabytes. */
function stringEnd(text: string, quote: number): number {
  let offset = quote + 1
  while (offset < text.length && text[offset]! >= ' ') {
    if (text[offset] === '"') return offset + 1
    const next = text[offset] === '\\' ? skip(ESCAPE, text, offset) : offset + 1
    if (next === offset) return quote
    offset = next
  }
  return quote
}

/** Where the match of `pattern` (sticky) at `offset` ends; `offset` itself where there is none. */
function skip(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset
  return pattern.test(text) ? pattern.lastIndex : offset
}

function placeOf(text: string, offset: number): Place {
  const lines = text.slice(0, offset).split(/\r\n|\n|\r/)
  return { line: lines.length, column: lines.at(-1)!.length + 1 }
}

function foundAt(text: string, offset: number): string {
  const codePoint = text.codePointAt(offset)
  return codePoint === undefined ? 'the end of the file' : `'${String.fromCodePoint(codePoint)}'`
}
