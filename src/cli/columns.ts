/** A value as it is shown in a table: numbers with separators, nothing as a dash. */
export function cell(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-'
  if (typeof value === 'number') return value.toLocaleString('en')
  return typeof value === 'object' ? JSON.stringify(value) : printable(String(value as string | boolean))
}

/** Rows under their headings, each column as wide as its widest cell; `right`: the columns that stand at the right, from 0. */
export function columns(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[],
): string {
  const lines = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  const padded = (text: string, column: number): string =>
    right.includes(column) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)
  return lines.map((line) => `${line.map(padded).join('  ').trimEnd()}\n`).join('')
}

/** What the service writes is shown in one line, and cannot move the cursor. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, ' ')
}
