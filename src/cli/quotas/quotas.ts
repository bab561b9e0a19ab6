import type { Quota } from '../../model-studio/index.js'
import { cell, columns } from '../terminal/columns.js'
import type { AddCommand } from '../add-command.js'
import { EXIT } from '../exit-codes.js'
import { addControlPlaneOptions, withControlPlane } from '../control-plane.js'
import type { ControlPlaneFlags } from '../control-plane.js'

const EXAMPLES = `
What is shown holds for the workspace: of its own limits and the account's the lower ones. A dash is no limit.

Examples:
  headgate quotas
  headgate quotas --name qwen-plus --region beijing
  headgate quotas --model qwen-plus --json
`

interface QuotasFlags extends ControlPlaneFlags {
  readonly model?: string
  readonly name?: string
}

/** `headgate quotas`: what the account may use, as the service has it now. */
export const addQuotas: AddCommand = (program, terminal, finish) => {
  const command = program
    .command('quotas')
    .description("show the account's limits by model, as the service has them now")
    .option('--model <name>', 'only the model of exactly this name')
    .option('--name <part>', 'only models whose name has this in it')
  addControlPlaneOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: QuotasFlags) => {
      const { model, name } = flags
      const code = await withControlPlane(terminal, flags, async (studio, signal) => {
        const quotas = await studio.quotas.list({ model, name, signal }).all()
        terminal.out(flags.json === true ? `${JSON.stringify(quotas)}\n` : tableOf(quotas))
        return EXIT.done
      })
      finish(code)
    })
}

function tableOf(quotas: readonly Quota[]): string {
  if (quotas.length === 0) return 'No quotas were found.\n'
  const rows = quotas.map(({ model, workspaceId, workspaceLimit, limits: { rpm, tpm, rps, tps } }) => [
    cell(model),
    rpm === undefined && rps !== undefined ? `${cell(rps)}/s` : cell(rpm),
    tpm === undefined && tps !== undefined ? `${cell(tps)}/s` : cell(tpm),
    workspaceLimit === undefined ? 'account' : 'workspace',
    cell(workspaceId),
  ])
  return columns([['MODEL', 'RPM', 'TPM', 'LIMITED BY', 'WORKSPACE'], ...rows], [1, 2])
}
