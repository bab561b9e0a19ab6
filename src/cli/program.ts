import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import type { AddCommand } from './add-command.js'
import { addDeployments } from './deployments/deployments.js'
import { EXIT, exitCodeOf } from './exit-codes.js'
import { addLimits } from './limits/limits.js'
import { addPlan } from './plan/plan.js'
import { addQuotas } from './quotas/quotas.js'
import { addRun } from './run/run.js'
import { addSimulate } from './simulate/simulate.js'
import { addSplit } from './split/split.js'
import type { Terminal } from './terminal/terminal.js'

/** The commands, one file each. */
const commands: readonly AddCommand[] = [addRun, addPlan, addSplit, addLimits, addQuotas, addDeployments, addSimulate]

/** Runs the command line and resolves to its exit code. It throws only for a bug. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = EXIT.done
  const program = new Command('headgate')
    .description('Keeps LLM calls at the full quota of their models and clear of 429s.')
    .version(packageVersion())
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .showHelpAfterError('(see headgate --help)')
    .exitOverride()
  for (const add of commands) add(program, terminal, (value) => (code = value))
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usageError
    const known = exitCodeOf(error)
    if (known === undefined) throw error
    terminal.err(`headgate: ${(error as Error).message}\n`)
    return known
  }
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
