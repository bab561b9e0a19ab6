import { planBatch } from '../../batch/plan/plan-batch.js'
import { EXIT } from '../exit-codes.js'
import { planOptions, planTables } from '../plan/plan-options.js'
import { planText } from '../plan/plan-text.js'
import { faultsText, plannedInput } from '../plan/planned-input.js'
import { jitterOf, rampOf, timesOf, type RunFlags } from './run-options.js'
import type { Terminal } from '../terminal/terminal.js'

/** Prints what a run would send. It sends and writes nothing. The exit code is 1 if a line cannot be sent. */
export async function dryRun(input: string, flags: RunFlags, terminal: Terminal): Promise<number> {
  timesOf(flags, new Date())
  const tables = await planTables(flags)
  const { requests, faults } = await plannedInput(input, flags, terminal)
  const named = new Set(requests.map(({ model }) => model).filter((model) => model !== undefined))
  const { models: _models, ...options } = planOptions(
    { ...flags, model: [...named], networkJitterMs: jitterOf(flags) },
    tables,
  )
  const plan = planBatch(requests, { ...options, ramp: rampOf(flags) })
  if (flags.json === true) terminal.out(`${JSON.stringify({ ...plan, faults: faults.count })}\n`)
  else
    terminal.out(`${planText(plan)}${(requests.length + faults.count).toLocaleString('en')} lines; nothing was sent.\n`)
  terminal.err(faultsText(faults))
  return faults.count > 0 ? EXIT.someFailed : EXIT.done
}
