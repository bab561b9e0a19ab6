import type { Command } from 'commander'
import { checkCreate, checkScale, checkUpdate } from '../../model-studio/resources/arguments.js'
import type { CreateDeployment, PtuCapacity } from '../../model-studio/index.js'
import { cell } from '../terminal/columns.js'
import { confirmation } from './confirmation.js'
import { printDeployment, sizeOf } from './deployment-table.js'
import { EXIT, UsageError } from '../exit-codes.js'
import { addControlPlaneOptions, withControlPlane } from '../control-plane.js'
import type { ControlPlaneFlags } from '../control-plane.js'
import type { Terminal } from '../terminal/terminal.js'
import { wholeNumber } from '../option-values.js'

interface ChangeFlags extends ControlPlaneFlags {
  readonly yes?: true
}

interface SizeFlags extends ChangeFlags {
  readonly capacity?: number
  readonly inputTpm?: number
  readonly outputTpm?: number
  readonly thinkingOutputTpm?: number
}

interface LimitFlags extends ChangeFlags {
  readonly rpm?: number
  readonly tpm?: number
}

interface CreateFlags extends SizeFlags, LimitFlags {
  readonly plan: string
  readonly name?: string
  readonly suffix?: string
  readonly chargeType?: string
  readonly enableThinking?: true
  readonly maxContextLength?: number
}

/** The commands that change something: each says what, and asks. */
export function addDeploymentChanges(group: Command, terminal: Terminal, finish: (code: number) => void): void {
  const change = (name: string, description: string, ...examples: string[]): Command =>
    addControlPlaneOptions(group.command(name).description(description))
      .option('-y, --yes', 'do not ask')
      .addHelpText('after', `\nExamples:\n${examples.map((one) => `  headgate deployments ${name} ${one}\n`).join('')}`)
  const ID = 'qwen-plus-2025-12-01-b6d61c71'

  withSize(
    withLimits(
      change(
        'create',
        'deploy a model, which costs from when it runs',
        `${ID.slice(0, 20)} --plan mu --capacity 4`,
        `${ID.slice(0, 20)} --plan ptu --input-tpm 10000 --output-tpm 1000`,
      ),
    ),
  )
    .argument('<model>', 'the model to deploy')
    .requiredOption('--plan <plan>', 'mu (model units), ptu (provisioned throughput) or lora (by token)')
    .option('--name <text>', 'a name to show')
    .option('--suffix <text>', 'the end of its identifier, at most 8 characters')
    .option('--charge-type <type>', 'such as post_paid')
    .option('--enable-thinking', 'let the model think')
    .option('--max-context-length <number>', 'as the service counts it', wholeNumber(1))
    .action(async (model: string, flags: CreateFlags) => {
      const confirmed = confirmation(terminal, flags.yes === true)
      const order = orderOf(model, flags)
      checkCreate(order)
      const code = await withControlPlane(terminal, flags, async (studio, signal) => {
        const size = order.capacity === undefined && order.ptuCapacity === undefined ? '' : `, size ${sizeOf(order)}`
        const what = `Deploy ${model} with the plan ${order.plan}${size}. It costs from when it runs until it is deleted.`
        if (!(await confirmed(what))) return EXIT.someFailed
        printDeployment(terminal, await studio.deployments.create(order, { signal }), flags)
        return EXIT.done
      })
      finish(code)
    })

  withLimits(change('update', 'set the limits of a deployment (plan mu)', `${ID} --rpm 1000 --tpm 200000`))
    .argument('<id>', 'what requests name as their model')
    .action(async (id: string, flags: LimitFlags) => {
      const confirmed = confirmation(terminal, flags.yes === true)
      if (flags.rpm === undefined && flags.tpm === undefined) throw new UsageError('give --rpm, --tpm, or both')
      const limits = checkUpdate(id, { rpmLimit: flags.rpm, tpmLimit: flags.tpm }, {})
      const code = await withControlPlane(terminal, flags, async ({ deployments }, signal) => {
        const now = await deployments.get(id, { signal })
        checkUpdate(id, limits, now)
        const parts = [
          limits.rpmLimit === undefined ? [] : [`RPM ${cell(now.rpmLimit)} → ${cell(limits.rpmLimit)}`],
          limits.tpmLimit === undefined ? [] : [`TPM ${cell(now.tpmLimit)} → ${cell(limits.tpmLimit)}`],
        ]
        if (!(await confirmed(`Set the limits of ${id}: ${parts.flat().join(', ')}.`))) return EXIT.someFailed
        printDeployment(terminal, await deployments.update(id, limits, { signal }), flags)
        return EXIT.done
      })
      finish(code)
    })

  withSize(
    change(
      'scale',
      'set the size of a deployment, and so what it costs',
      `${ID} --capacity 8`,
      `${ID} --input-tpm 10000 --output-tpm 1000`,
    ),
  )
    .argument('<id>', 'what requests name as their model')
    .action(async (id: string, flags: SizeFlags) => {
      const confirmed = confirmation(terminal, flags.yes === true)
      const given = sizeFrom(flags)
      if (Object.keys(given).length === 0) {
        throw new UsageError('give --capacity (plan mu), or --input-tpm and --output-tpm (plan ptu)')
      }
      const size = checkScale(id, given, {})
      const code = await withControlPlane(terminal, flags, async ({ deployments }, signal) => {
        const now = await deployments.get(id, { signal })
        checkScale(id, size, now)
        const what = `Scale ${id}: ${sizeOf(now)} → ${sizeOf(size)}. This changes what it costs.`
        if (!(await confirmed(what))) return EXIT.someFailed
        printDeployment(terminal, await deployments.scale(id, size, { signal }), flags)
        return EXIT.done
      })
      finish(code)
    })

  change('delete', 'delete a deployment: requests to it fail from then on', ID, `${ID} --yes`)
    .argument('<id>', 'what requests name as their model')
    .action(async (id: string, flags: ChangeFlags) => {
      const confirmed = confirmation(terminal, flags.yes === true)
      const code = await withControlPlane(terminal, flags, async ({ deployments }, signal) => {
        const now = await deployments.get(id, { signal })
        const what = `Delete ${id} (${now.status}, ${now.modelName ?? 'model unknown'}). Requests to it fail from then on.`
        if (!(await confirmed(what))) return EXIT.someFailed
        const deleted = await deployments.delete(id, { signal })
        if (deleted !== undefined) printDeployment(terminal, deleted, flags)
        else terminal.out(flags.json === true ? `${JSON.stringify({ deployedModel: id })}\n` : `${id} was deleted.\n`)
        return EXIT.done
      })
      finish(code)
    })
}

function withSize(command: Command): Command {
  return command
    .option('--capacity <units>', 'model units (plan mu), a multiple of the base capacity', wholeNumber(0, 999))
    .option('--input-tpm <number>', 'input tokens a minute (plan ptu)', wholeNumber(1))
    .option('--output-tpm <number>', 'output tokens a minute (plan ptu)', wholeNumber(1))
    .option('--thinking-output-tpm <number>', 'thinking tokens a minute (plan ptu)', wholeNumber(0))
}

function withLimits(command: Command): Command {
  return command
    .option('--rpm <number>', 'requests a minute (plan mu)', wholeNumber(1))
    .option('--tpm <number>', 'tokens a minute (plan mu)', wholeNumber(1))
}

function sizeFrom({ capacity, inputTpm, outputTpm, thinkingOutputTpm }: SizeFlags): {
  capacity?: number
  ptuCapacity?: PtuCapacity
} {
  const isPtu = inputTpm !== undefined || outputTpm !== undefined || thinkingOutputTpm !== undefined
  if (isPtu && (inputTpm === undefined || outputTpm === undefined)) {
    throw new UsageError('a throughput needs both --input-tpm and --output-tpm')
  }
  if (isPtu && capacity !== undefined) {
    throw new UsageError('--capacity is for the plan mu, --input-tpm and --output-tpm are for ptu: give one of the two')
  }
  if (inputTpm === undefined || outputTpm === undefined) return capacity === undefined ? {} : { capacity }
  return { ptuCapacity: { inputTpm, outputTpm, ...(thinkingOutputTpm !== undefined && { thinkingOutputTpm }) } }
}

function orderOf(modelName: string, flags: CreateFlags): CreateDeployment {
  const { plan, name, suffix, chargeType, rpm, tpm, enableThinking, maxContextLength } = flags
  const own = { modelName, plan, name, suffix, chargeType, enableThinking, maxContextLength }
  return { ...own, rpmLimit: rpm, tpmLimit: tpm, ...sizeFrom(flags) }
}
