import { unitsName } from '../../batch/plan/pay-by-units.js'
import type { Payment } from '../../batch/plan/payment-way.js'
import type { PaymentPlan } from '../../batch/plan/plan-payment.js'
import type { ModelPace } from '../../batch/plan/model-pace.js'
import type { BatchPlan, ModelPlan } from '../../batch/plan/plan-batch.js'
import type { Priced } from '../../batch/prices/prices.js'
import { columns } from '../terminal/columns.js'

const HEAD = ['model', 'requests', 'input', 'output', 'time', 'bound by', 'cost']

/** The plan as a table: a line for each model, and below it the other ways. */
export function planText({ models, withoutModel }: BatchPlan): string {
  const rows = [HEAD, ...models.flatMap(rowsOf)]
  const notes = models.flatMap(notesOf)
  if (withoutModel > 0) notes.push(`${counted(withoutModel)} requests name no model: give --model`)
  return `${columns(rows)}\n${notes.map((note) => `${note}\n`).join('')}`
}

/** What a steady load costs in each way of paying. */
export function paymentText(model: string, plan: PaymentPlan): string {
  const rows = plan.payments.map((payment) => [
    wayOf(payment),
    payment.amount === undefined ? 'unknown' : money(payment.amount, plan.currency),
    payment.notes.join('; '),
  ])
  const { region, date, source } = plan.origin
  const ranges = plan.byLoad.map(
    ({ payment, fromTpm, toTpm }) => `  ${counted(fromTpm)} to ${counted(toTpm)} tokens a minute: ${wayOf(payment)}\n`,
  )
  const from = [source, region, date].filter(Boolean).join(', ')
  const cheapest = ranges.length === 0 ? '' : `Cheapest from\n${ranges.join('')}`
  return `Paying for ${model} (${from})\n${columns(rows)}${cheapest}`
}

function rowsOf(plan: ModelPlan): string[][] {
  const { chain, batch, fasterVersions, passes } = plan
  const rows = [rowOf(plan.model, plan), ...fasterVersions.map((other) => rowOf(`  or ${other.model}`, other))]
  if (chain !== undefined) {
    const names = chain.links.map(({ model, share }) => `${model} ${percent(share)}`).join(', ')
    const requests = counted(passes.requests + plan.neverPass.requests - chain.neverPass)
    rows.push(['  or with its backups', requests, '', '', timeOf(chain.minutes), names, costText(chain.cost)])
  }
  rows.push(['  or as a batch', '', '', '', `within ${batch.windowHours} h`, 'no limits', costText(batch.cost)])
  return rows
}

function rowOf(name: string, { passes, minutes, binding, cost }: ModelPace): string[] {
  const { requests, inputTokens, outputTokens } = passes
  const tokens = [counted(inputTokens), counted(outputTokens)]
  return [name, counted(requests), ...tokens, timeOf(minutes), binding ?? '', costText(cost)]
}

function notesOf({
  model,
  limits,
  isRetired,
  neverPass,
  passes,
  usedShare,
  rampMinutes,
  cost,
  chain,
  batch,
}: ModelPlan): string[] {
  const notes = [`${model}: ${limitsText(limits)}`]
  if (isRetired) notes.push(`${model} is retired`)
  if (neverPass.requests > 0) {
    const limitNames = Object.keys(neverPass.byLimit).join(', ')
    notes.push(`${model}: ${counted(neverPass.requests)} requests can never pass: larger than ${limitNames}`)
  }
  const bases = Object.entries(passes.outputBasis).filter(([, count]) => count > 0)
  if (bases.length > 0) {
    notes.push(
      `${model}: output expected by ${bases.map(([basis, count]) => `${basis} (${counted(count)})`).join(', ')}`,
    )
  }
  if (chain !== undefined) {
    notes.push(
      `${model}: its backups add up where all work at once (fallbackAfterWaitMs); headgate run takes one when a model refuses`,
    )
  }
  if (rampMinutes > 0) notes.push(`${model}: begins slowly, which takes ${timeOf(rampMinutes)} of the time`)
  if (usedShare !== undefined) notes.push(`${model}: uses ${percent(usedShare)} of its limits a minute`)
  if (!cost.known) notes.push(`${model}: cost unknown: ${cost.why}`)
  else notes.push(`${model}: price of ${[cost.price.source ?? 'the user', cost.price.date].filter(Boolean).join(', ')}`)
  if (batch.files > 1) notes.push(`${model}: a batch takes ${batch.files} files`)
  return notes
}

/** What nobody knows must not look like something that a table says. */
function limitsText({ source, rpm, tpm }: ModelPace['limits']): string {
  if (source === 'user') return 'limits as given'
  if (source !== 'unknown-model') return `limits of ${source}`
  const taken = [rpm && `${counted(rpm)} requests`, tpm && `${counted(tpm)} tokens`].filter(Boolean).join(' and ')
  return `no limits of it are known: ${taken} a minute are taken; give --limits, --rpm or --tpm`
}

function wayOf({ way, units, replicas, leavesEarly }: Payment): string {
  const detail = units && ` ${replicas} of ${unitsName(units)}`
  return `${way}${detail ?? ''}${leavesEarly === true ? ', left early' : ''}`
}

function timeOf(minutes: number | undefined): string {
  if (minutes === undefined) return 'never'
  if (minutes < 1) return `${(minutes * 60).toFixed(0)} s`
  return minutes < 600 ? `${minutes.toFixed(1)} min` : `${(minutes / 60).toFixed(1)} h`
}

function costText(cost: Priced): string {
  return cost.known ? money(cost.amount, cost.currency) : 'unknown'
}

function money(amount: number, currency: string): string {
  const digits = amount > 0 && amount < 1 ? 4 : 2
  return `${amount.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${currency}`
}

function counted(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}
