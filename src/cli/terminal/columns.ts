import { printable } from './printable.js'

/** A value as it is shown in a table: numbers with separators, nothing as a dash. */
export function cell(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-'
  if (typeof value === 'number') return value.toLocaleString('en')
  return typeof value === 'object' ? JSON.stringify(value) : printable(String(value as string | boolean))
}

/** Rows of cells as lines of text, each column as wide as its widest cell; `right`: the columns that stand at the right, from 0. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((widest, row) => Math.max(widest, (row[column] ?? '').length), 0),
  )
  const padded = (text: string, column: number): string =>
    right.includes(column) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)
  return rows.map((row) => `${row.map(padded).join('  ').trimEnd()}\n`).join('')
}
