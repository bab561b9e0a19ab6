import { Option } from 'commander'
import { presets, startSimulator } from '../../simulator/index.js'
import type { Simulator } from '../../simulator/index.js'
import { isSystemError } from '../../system-errors.js'
import type { Limits, LimitsTable } from '../../types.js'
import type { AddCommand } from '../add-command.js'
import { EXIT, UsageError } from '../exit-codes.js'
import { limitsOf, simulatorOptionsOf } from './simulate-options.js'
import type { ChosenLimits, SimulateFlags } from './simulate-options.js'
import { someNumber, wholeNumber } from '../option-values.js'

const EXAMPLES = `
Examples:
  headgate simulate --port 8080
  headgate simulate --port 8080 --limits model-studio/beijing
  headgate simulate --limits limits.json --json
  headgate simulate --model qwen-plus --rpm 600 --tpm 1000000
`

/** `headgate simulate`: a server on this machine that throttles like the service, until it is interrupted. */
export const addSimulate: AddCommand = (program, terminal, finish) => {
  program
    .command('simulate')
    .description('start a server on this machine that throttles like the service, to try an app against')
    .option('--port <port>', 'the port to listen on; 0 is a free one', wholeNumber(0, 65_535), 0)
    .option('--host <host>', 'the address to listen on', '127.0.0.1')
    .addOption(
      new Option('--preset <name>', 'the service that it is like')
        .choices(Object.keys(presets))
        .default('model-studio' satisfies SimulateFlags['preset']),
    )
    .option('--limits <name|file>', 'the limits: the name of a built-in table, or a JSON file')
    .option('--model <name...>', 'the models that --rpm and --tpm are for; without it, all')
    .option('--rpm <number>', 'requests a minute', wholeNumber(1))
    .option('--tpm <number>', 'tokens a minute', wholeNumber(1))
    .option('--api-key <key...>', 'the keys that are known; without it, any will do')
    .option('--seed <number>', 'what answers, latencies and faults are drawn by', wholeNumber(0))
    .option('--first-token-ms <ms>', 'the time to the first token', someNumber(0))
    .option('--per-token-ms <ms>', 'the time from one token to the next', someNumber(0))
    .option('--output-tokens <number>', 'the mean length of answers', someNumber(1))
    .option('--json', 'print one line of JSON in place of text')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: SimulateFlags & { readonly json?: true }) => {
      const chosen = await limitsOf(flags)
      const interrupted = terminal.interrupted()
      const simulator = await listening(flags, chosen)
      terminal.out(flags.json === true ? asJson(simulator, flags, chosen) : asText(simulator, flags, chosen))
      await interrupted
      await simulator.close()
      if (flags.json !== true) terminal.out('Stopped.\n')
      finish(EXIT.done)
    })
}

async function listening(flags: SimulateFlags, chosen: ChosenLimits): Promise<Simulator> {
  try {
    return await startSimulator(simulatorOptionsOf(flags, chosen))
  } catch (error) {
    if (!isSystemError(error)) throw error
    const { code } = error
    const where = `${flags.host}:${flags.port}`
    if (code === 'EADDRINUSE') throw new UsageError(`${where} is in use: choose another --port`)
    if (code === 'EACCES') throw new UsageError(`${where} may not be listened on: choose a --port from 1024 on`)
    throw new UsageError(`cannot listen on ${where}: ${error.message}`)
  }
}

function ledgerUrl(simulator: Simulator): string {
  return new URL('/__ledger', simulator.url).href
}

function asJson(simulator: Simulator, flags: SimulateFlags, { limits, defaultLimits, origin }: ChosenLimits): string {
  const rows = limits && Object.fromEntries(Object.entries(limits).map(([model, row]) => [model, limitsIn(row)]))
  const { url, port } = simulator
  const line = { url, port, ledger: ledgerUrl(simulator), preset: flags.preset, origin, limits: rows ?? null }
  return `${JSON.stringify({ ...line, defaultLimits: defaultLimits ?? null })}\n`
}

function asText(simulator: Simulator, flags: SimulateFlags, { limits, defaultLimits, origin }: ChosenLimits): string {
  const rows = limits === undefined ? [] : tableLines(limits)
  const others =
    defaultLimits !== undefined
      ? `  ${limits === undefined ? 'every model' : 'every other model'}: ${sentence(defaultLimits)}\n`
      : '  any other model is unknown (404)\n'
  return (
    `Limits: ${origin}\n${rows.join('')}${others}` +
    `Like ${flags.preset}, at ${simulator.url}\n` +
    `What was counted: ${ledgerUrl(simulator)}\n` +
    'Ctrl+C stops it.\n'
  )
}

function tableLines(limits: LimitsTable): string[] {
  const rows = Object.entries(limits)
  const width = Math.max(0, ...rows.map(([model]) => model.length))
  return rows.map(([model, row]) => `  ${model.padEnd(width)}  ${sentence(row)}\n`)
}

/** Each limit with its name. */
function sentence(row: Limits): string {
  const parts = Object.entries(limitsIn(row)).map(([name, value]) => `${name} ${value.toLocaleString('en')}`)
  if (row.rpm === 0 && row.tpm === 0) return 'retired'
  return parts.length === 0 ? 'no limits' : parts.join(', ')
}

/** The limits of a row without what it says of its origin. */
function limitsIn(row: Limits): Record<string, number> {
  const limits = Object.entries(row).filter((entry): entry is [string, number] => typeof entry[1] === 'number')
  return Object.fromEntries(limits)
}
