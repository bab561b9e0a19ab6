/**
 * Measures what share of a quota each client uses, and how many 429s it gets. It runs in virtual time, against servers
 * that were written for this benchmark.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { machine, versionOf } from './measure.js'
import { chartOf } from './quota/chart.js'
import { clients } from './quota/clients/index.js'
import type { ClientKind } from './quota/clients/client.js'
import type { Outcome } from './quota/outcome.js'
import { summary, tableHead, tableLine } from './quota/report.js'
import type { Row } from './quota/row.js'
import { rows } from './quota/rows.js'
import { runRow } from './quota/run.js'
import { jobsOf, traceJobs, type Job } from './quota/workloads.js'

interface Options {
  readonly rows?: readonly string[]
  readonly clients?: readonly string[]
  readonly seed: number
  readonly json?: string
  readonly svg?: string
  readonly trace?: string
  readonly quick?: true
}

const list = (text: string) => text.split(',').filter((name) => name !== '')

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value)) throw new InvalidArgumentError('must be a whole number')
  return value
}

const program = new Command('bench:quota')
  .description('Measures what share of a quota each client uses, and how many 429s it gets.')
  .option(
    '--rows <names>',
    'run only these rows, separated by commas; a name that ends in * selects all rows with that prefix',
    list,
  )
  .option(
    '--clients <names>',
    `run only these clients, separated by commas: ${clients.map(({ name }) => name).join(',')}`,
    list,
  )
  .addOption(new Option('--seed <number>', 'the seed of all random numbers').default(1).argParser(wholeNumber))
  .option('--json <file>', 'write all results to this file as JSON')
  .option('--svg <file>', 'draw the comparison as a chart into this file')
  .option(
    '--trace <file>',
    'a CSV file with the columns TIMESTAMP, ContextTokens, GeneratedTokens, which the rows trace-* need',
  )
  .option('--quick', 'run only the reduced set; exit with 1 if headgate misses a goal of "0 429s" or "done 100 %"')
  .parse()
const options = program.opts<Options>()

function chosen<T extends { readonly name: string }>(all: readonly T[], names: readonly string[] | undefined): T[] {
  if (names === undefined) return [...all]
  return names.flatMap((name) => {
    const prefix = name.endsWith('*') ? name.slice(0, -1) : undefined
    const found = all.filter((each) => (prefix === undefined ? each.name === name : each.name.startsWith(prefix)))
    if (found.length === 0)
      program.error(`unknown name '${name}': the names are ${all.map((each) => each.name).join(', ')}`)
    return found
  })
}

function jobsFor({ workload, jobs }: Row): Job[] | undefined {
  if (workload !== 'trace') return jobsOf(workload, jobs, options.seed)
  return options.trace === undefined ? undefined : traceJobs(options.trace, options.seed)
}

function runs(): [Row, ClientKind][] {
  const clientsOf = chosen(clients, options.clients ?? (options.quick ? ['headgate'] : undefined))
  const named = chosen(rows, options.rows).filter((row) => options.quick !== true || row.isQuick)
  return named.flatMap((row) =>
    clientsOf
      // A client that `--clients` names runs every row.
      .filter((kind) => row.isCompared || !kind.usesGlobals || options.clients !== undefined)
      .map((kind): [Row, ClientKind] => [row, kind]),
  )
}

const startMs = performance.now()
const planned = runs()
const peers = new Set(planned.flatMap(([, { packages }]) => packages))
const versions = [`headgate ${ownVersion()}`, ...[...peers].map(versionOf)]
console.log(`${machine()}\n${versions.join(', ')}; seed ${options.seed}\n`)
console.log(tableHead())
const outcomes: Outcome[] = []
for (const [index, [row, kind]] of planned.entries()) {
  const jobs = jobsFor(row)
  if (jobs === undefined) {
    console.error(`${row.name}: skipped, no trace found (--trace ${options.trace ?? 'is missing'})`)
    continue
  }
  const beganMs = performance.now()
  const outcome = await runRow(row, kind, jobs, options.seed)
  const tookSeconds = (performance.now() - beganMs) / 1000
  console.error(`${index + 1}/${planned.length} ${row.name} ${kind.name}: ${tookSeconds.toFixed(1)} s`)
  console.log(tableLine(outcome))
  outcomes.push(outcome)
}
console.log(`\n${summary(outcomes)}`)
console.error(`${((performance.now() - startMs) / 1000).toFixed(0)} s in all`)
if (options.json !== undefined) {
  const head = { machine: machine(), versions, seed: options.seed }
  writeFileSync(options.json, `${JSON.stringify({ ...head, outcomes }, undefined, 2)}\n`)
}
if (options.svg !== undefined) writeFileSync(options.svg, chartOf(outcomes))
process.exit(options.quick && outcomes.some(hasRegressed) ? 1 : 0)

function hasRegressed({ client, missed }: Outcome): boolean {
  return client === 'headgate' && missed.some((goal) => goal.startsWith('done') || goal === '429s > 0')
}

function ownVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
