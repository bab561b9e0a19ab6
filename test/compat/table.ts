import type { Result } from './compare.js'

const SIGNS = { same: '✓', differs: '≠', failed: '✗' } as const

/** What came of the cases with one version. */
export interface Column {
  readonly title: string
  readonly results: readonly Result[]
}

/** Cases down, versions across; below, why some differ or failed. */
export function tableOf(title: string, columns: readonly Column[]): string {
  const names = columns[0]?.results.map(({ name }) => name) ?? []
  const width = Math.max(title.length, ...names.map((name) => name.length))
  const line = (first: string, cells: readonly string[]): string =>
    [first.padEnd(width), ...cells.map((cell, i) => centred(cell, columns[i]?.title.length ?? 0))].join('  ').trimEnd()
  const rows = names.map((name, i) =>
    line(
      name,
      columns.map(({ results }) => SIGNS[results[i]?.result ?? 'failed']),
    ),
  )
  const head = line(
    title,
    columns.map((column) => column.title),
  )
  return [head, ...rows, ...reasons(columns)].join('\n')
}

/** One for each case, with the versions: what it says of the first of them. */
function reasons(columns: readonly Column[]): string[] {
  const found = new Map<string, { readonly reason: string; readonly titles: string[] }>()
  for (const { title, results } of columns) {
    for (const { name, result, reason } of results) {
      if (result === 'same') continue
      const key = `${SIGNS[result]} ${name}`
      const first = found.get(key)
      if (first === undefined) found.set(key, { reason: reason.replaceAll('\n', '\n    '), titles: [title] })
      else first.titles.push(title)
    }
  }
  return [...found].map(([key, { reason, titles }]) => {
    const which = titles.length === columns.length ? '' : ` (${titles.join(', ')})`
    return `${key}${which}: ${reason}`
  })
}

function centred(text: string, width: number): string {
  const left = Math.floor((width - text.length) / 2)
  return text.padStart(left + text.length).padEnd(width)
}
