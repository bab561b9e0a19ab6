import type { Command } from 'commander'
import type { AddCommand } from '../add-command.js'
import { addDeploymentChanges } from './deployment-changes.js'
import { deploymentsTable, printDeployment } from './deployment-table.js'
import { EXIT } from '../exit-codes.js'
import { addControlPlaneOptions, withControlPlane } from '../control-plane.js'
import type { ControlPlaneFlags } from '../control-plane.js'
import { someNumber } from '../option-values.js'

const EXAMPLES = `
Examples:
  headgate deployments list
  headgate deployments create qwen-plus-2025-12-01 --plan mu --capacity 4 --rpm 1000
  headgate deployments wait qwen-plus-2025-12-01-b6d61c71 RUNNING
  headgate deployments update qwen-plus-2025-12-01-b6d61c71 --rpm 1000 --tpm 200000 --yes
  headgate deployments scale qwen-plus-2025-12-01-b6d61c71 --capacity 8
  headgate deployments delete qwen-plus-2025-12-01-b6d61c71

What changes a deployment asks first, unless --yes is given. Where the service refuses, the exit code is 1.
`

const WAIT_EXAMPLES = `
GONE is when it is there no more. A deployment that failed ends the wait with 1, and so does the end of the time.

Examples:
  headgate deployments wait qwen-plus-2025-12-01-b6d61c71
  headgate deployments wait qwen-plus-2025-12-01-b6d61c71 RUNNING STOPPED --timeout-s 600
  headgate deployments wait qwen-plus-2025-12-01-b6d61c71 GONE
`

interface WaitFlags extends ControlPlaneFlags {
  readonly timeoutS: number
  readonly pollS: number
}

/** `headgate deployments`: what is deployed for the account. */
export const addDeployments: AddCommand = (program, terminal, finish) => {
  const group = program
    .command('deployments')
    .description('list, make, change and delete the deployments of the account')
    .addHelpText('after', EXAMPLES)
  const read = (name: string, description: string, example: string): Command =>
    addControlPlaneOptions(group.command(name).description(description)).addHelpText(
      'after',
      `\nExample:\n  ${example}\n`,
    )

  read('list', 'show all deployments', 'headgate deployments list --region beijing').action(
    async (flags: ControlPlaneFlags) => {
      const code = await withControlPlane(terminal, flags, async (studio, signal) => {
        const all = await studio.deployments.list({ signal }).all()
        terminal.out(flags.json === true ? `${JSON.stringify(all)}\n` : deploymentsTable(all))
        return EXIT.done
      })
      finish(code)
    },
  )

  read('get', 'show one deployment', 'headgate deployments get qwen-plus-2025-12-01-b6d61c71')
    .argument('<id>', 'what requests name as their model')
    .action(async (id: string, flags: ControlPlaneFlags) => {
      const code = await withControlPlane(terminal, flags, async (studio, signal) => {
        printDeployment(terminal, await studio.deployments.get(id, { signal }), flags)
        return EXIT.done
      })
      finish(code)
    })

  addControlPlaneOptions(group.command('wait').description('wait until a deployment is in a status'))
    .argument('<id>', 'what requests name as their model')
    .argument('[status...]', 'what to wait for, any of them', ['RUNNING'])
    .option('--timeout-s <seconds>', 'how long to wait at most', someNumber(0.001), 1800)
    .option('--poll-s <seconds>', 'the time from one look to the next', someNumber(0.001), 10)
    .addHelpText('after', WAIT_EXAMPLES)
    .action(async (id: string, statuses: readonly string[], flags: WaitFlags) => {
      const code = await withControlPlane(terminal, flags, async (studio, signal) => {
        const found = await studio.deployments.waitFor(
          id,
          statuses.map((status) => status.toUpperCase()),
          {
            timeoutMs: flags.timeoutS * 1000,
            pollMs: flags.pollS * 1000,
            signal,
            onStatus: ({ status }) => terminal.err(`${id}: ${status}\n`),
          },
        )
        printDeployment(terminal, found, flags)
        return EXIT.done
      })
      finish(code)
    })

  addDeploymentChanges(group, terminal, finish)
}
