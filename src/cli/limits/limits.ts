import { builtInTables } from '../../limits/index.js'
import { DEFAULT_TABLE } from '../../limits/built-in-tables.js'
import { didYouMean } from '../../limits/did-you-mean.js'
import { LIMIT_FIELDS } from '../../limits/limit-fields.js'
import { resolveLimits, type Resolution } from '../../limits/resolve-limits.js'
import type { LimitsTable } from '../../types.js'
import type { AddCommand } from '../add-command.js'
import { EXIT, UsageError } from '../exit-codes.js'
import { limitsTable } from './limits-table.js'
import { columns } from '../terminal/columns.js'

const EXAMPLES = `
Tables: ${Object.keys(builtInTables).join(', ')}.
rps and tps are a sixtieth of the minute's where the table does not give them: the service holds both.

Examples:
  headgate limits
  headgate limits qwen-plus
  headgate limits qwen-plus --table model-studio/beijing --json
  headgate limits --table ./limits.json
`

interface LimitsFlags {
  readonly table: string
  readonly json?: true
}

/** `headgate limits`: prints what a table of limits says. */
export const addLimits: AddCommand = (program, terminal, finish) => {
  program
    .command('limits')
    .description('print the limits of a model, or of all models of a table')
    .argument('[model]', 'the model; without it, all')
    .option('--table <name|file>', 'the name of a built-in table, or a JSON file', DEFAULT_TABLE)
    .option('--json', 'print one line of JSON in place of text')
    .addHelpText('after', EXAMPLES)
    .action(async (model: string | undefined, { table: tableName, json }: LimitsFlags) => {
      const table = await limitsTable(tableName)
      const found = (model === undefined ? Object.keys(table) : [known(model, table, tableName)]).map(
        (name) => [name, resolveLimits(name, { table, tableName })] as const,
      )
      if (json === true) {
        const models = Object.fromEntries(found.map(([name, resolution]) => [name, asJson(resolution)]))
        terminal.out(`${JSON.stringify({ table: tableName, models })}\n`)
      } else terminal.out(model === undefined ? tableText(found) : modelText(found[0]!))
      finish(EXIT.done)
    })
}

type Found = readonly [model: string, resolution: Resolution]

function known(model: string, table: LimitsTable, tableName: string): string {
  if (Object.hasOwn(table, model)) return model
  throw new UsageError(`no limits of '${model}' are known in '${tableName}'.${didYouMean(model, Object.keys(table))}`)
}

function asJson({ limits, retired }: Resolution): object {
  return { ...limits, ...(retired && { retired }) }
}

function modelText([model, { limits, retired }]: Found): string {
  if (retired) return `${model} is retired: no request may go to it\n  from    ${limits.source}\n`
  const rows = LIMIT_FIELDS.filter((field) => limits[field] !== undefined).map((field) => [
    `  ${field}`,
    limits[field]!.toLocaleString('en', { maximumFractionDigits: 2 }),
  ])
  return `${model}\n${columns([...rows, ['  from', limits.source]])}`
}

/** All that any of them has, without those of a second, which follow from the minute's. */
function tableText(found: readonly Found[]): string {
  const fields = LIMIT_FIELDS.filter(
    (field) => field !== 'rps' && field !== 'tps' && found.some(([, { limits }]) => limits[field] !== undefined),
  )
  const rows = found.map(([model, { limits, retired }]) => {
    const values = fields.map((field) => (retired ? '' : (limits[field]?.toLocaleString('en') ?? '')))
    return [model, ...values, retired ? `retired; ${limits.source}` : limits.source]
  })
  return columns([['model', ...fields, 'from'], ...rows])
}
