import { InvalidArgumentError } from 'commander'
import type { PlannedRequest } from '../../batch/plan/expect-request.js'
import { planPayment, type PaymentPlan } from '../../batch/plan/plan-payment.js'
import { planBatch } from '../../batch/plan/plan-batch.js'
import type { AddCommand } from '../add-command.js'
import { EXIT, UsageError } from '../exit-codes.js'
import { RAMP_SECONDS, rampFor } from '../run/ramp-flag.js'
import { JITTER_HELP, type PlanFlags, planOptions, planTables, type PlanTables } from './plan-options.js'
import { paymentText, planText } from './plan-text.js'
import { faultsText, plannedInput } from './planned-input.js'
import { someNumber, wholeNumber } from '../option-values.js'

const EXAMPLES = `
The file is one that headgate run takes; - is the standard input. Lines that cannot be sent are in no number.

Examples:
  headgate plan in.jsonl --model qwen-plus
  headgate plan in.jsonl --model qwen-plus,qwen-flash --limits model-studio/beijing --prices prices.json
  headgate plan in.jsonl --model qwen-plus --fallback qwen-plus-latest,qwen-flash --json
  headgate plan in.jsonl --model qwen3.6-plus-2026-04-02 --load 30 --hours 10 --days 22
`

/** `headgate plan`: how long the requests of a file take and what they cost, without sending any. */
export const addPlan: AddCommand = (program, terminal, finish) => {
  program
    .command('plan')
    .description('say how long the requests of a file take at the limits and what they cost; nothing is sent')
    .argument('<file>', 'the requests, a line of JSON each; - is the standard input')
    .option('--model <names>', 'the models to plan for, by commas; without it, those that the requests name', names)
    .option('--limits <name|file>', 'the limits: the name of a built-in table, or a JSON file')
    .option('--prices <file>', 'pay-as-you-go prices, a JSON file')
    .option('--deployment-prices <file>', 'prices of dedicated deployments, a JSON file')
    .option('--fallback <names>', 'the backups of each --model, by commas', names)
    .option('--output-tokens <number|max>', 'the output to expect of an answer, or max for max_tokens', outputTokens)
    .option('--rpm <number>', 'requests a minute, of each model', wholeNumber(1))
    .option('--tpm <number>', 'tokens a minute, of each model', wholeNumber(1))
    .option(
      '--ramp-up <seconds>',
      'how long the run begins slowly; see headgate run',
      wholeNumber(0, 3600),
      RAMP_SECONDS,
    )
    .option('--network-jitter-ms <ms>', JITTER_HELP, someNumber(0))
    .option('--load <number>', 'compare ways of paying for so many of the requests a minute', someNumber(0))
    .option('--hours <number>', 'the hours a day in which they come', someNumber(0))
    .option('--days <number>', 'for so many days', wholeNumber(1))
    .option('--replica-tpm <number>', 'the tokens a minute that one replica of model units serves', someNumber(1))
    .option('--json', 'print one line of JSON in place of text')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, flags: PlanFlags) => {
      checkFlags(flags)
      const tables = await planTables(flags)
      const { requests, faults } = await plannedInput(file, { ...flags, model: flags.model?.[0] }, terminal)
      const plan = planBatch(requests, { ...planOptions(flags, tables), ramp: rampFor(flags.rampUp) })
      const payments = flags.load === undefined ? {} : paymentsOf(flags, tables, requests)
      if (flags.json === true) terminal.out(`${JSON.stringify({ ...plan, payments, faults: faults.count })}\n`)
      else {
        terminal.out(planText(plan))
        for (const [name, payment] of Object.entries(payments)) terminal.out(`\n${paymentText(name, payment)}`)
      }
      terminal.err(faultsText(faults))
      finish(faults.count > 0 ? EXIT.someFailed : EXIT.done)
    })
}

function checkFlags({ model, fallback, load, hours, days, replicaTpm }: PlanFlags): void {
  if (fallback !== undefined && model === undefined)
    throw new UsageError('--fallback needs --model: whose backups they are')
  if (load !== undefined && model === undefined) throw new UsageError('--load needs --model: which model to pay for')
  for (const [name, value] of Object.entries({ hours, days, 'replica-tpm': replicaTpm })) {
    if (value !== undefined && load === undefined)
      throw new UsageError(`--${name} needs --load: how many requests come`)
  }
}

/** The load is made of the file's requests, all equally frequent. */
function paymentsOf(
  { model = [], load: requestsPerMinute = 0, hours, days, replicaTpm }: PlanFlags,
  { prices, deploymentPrices }: PlanTables,
  planned: readonly PlannedRequest[],
): Record<string, PaymentPlan> {
  const requests = planned.map(({ inputTokens, outputTokens, thinks }) => {
    return { inputTokens, outputTokens, thinkingOutputTokens: thinks ? outputTokens : 0 }
  })
  const load = { requestsPerMinute, requests }
  const options = { load, hours, days, prices, deploymentPrices, replicaTpm }
  return Object.fromEntries(model.map((name) => [name, planPayment({ model: name, ...options })]))
}

function names(text: string): string[] {
  const all = text.split(',').map((name) => name.trim())
  if (all.includes('')) throw new InvalidArgumentError('It must be names, separated by commas.')
  return all
}

function outputTokens(text: string): number | 'max' {
  return text === 'max' ? 'max' : wholeNumber(0)(text)
}
