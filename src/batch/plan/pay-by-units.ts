import { InvalidRequest } from '../../errors.js'
import { shown } from '../../limits/limit-values.js'
import { type DeploymentPrices, EARLY_LEAVE_FACTOR, type ModelUnitPrice } from '../prices/deployment-prices.js'
import { costAtScale, type ScaledCost } from './cheapest-ranges.js'
import { type Flow, totalTpm } from './steady-load.js'
import { type Offer, type Payment, type PaymentOptions, type Time, unknown } from './payment-way.js'

/** Days of one paid month. The documented early-leave price is based on a thirtieth of a month. */
const DAYS_A_MONTH = 30

/** Returns the name of a unit configuration, such as `'MU1 x 4'` or `'MU1 x 16 pd-separated'`. */
export function unitsName({ unit, count, mode }: ModelUnitPrice): string {
  return [unit, 'x', count, mode].filter((part) => part !== undefined).join(' ')
}

/** Returns the offers for model units, by the hour and by the month, for each unit configuration of the model. */
export function modelUnits(
  options: PaymentOptions,
  { modelUnits: table }: DeploymentPrices,
  flow: Flow,
  time: Time,
): Offer[] {
  const { model } = options
  if (!Object.hasOwn(table, model)) {
    const why = `'${model}' is not sold on model units`
    return [unknown('units-hour', why), unknown('units-month', why)]
  }
  return table[model]!.flatMap((units) => {
    const tpm = replicaTpmOf(options, units)
    const month = monthsOf(units, time)
    return [
      onUnits({ way: 'units-hour', units }, units.hour * time.hours * time.days, tpm, flow),
      onUnits({ way: 'units-month', units, leavesEarly: month.leavesEarly }, month.amount, tpm, flow),
    ]
  })
}

/** Returns the cost in whole months. Leaving early in the first month may cost less, and then that is the amount. */
function monthsOf({ month }: ModelUnitPrice, { days }: Time): { amount: number; leavesEarly: boolean } {
  const whole = Math.ceil(days / DAYS_A_MONTH) * month
  const early = days < DAYS_A_MONTH ? (EARLY_LEAVE_FACTOR * days * month) / DAYS_A_MONTH : Infinity
  return early < whole ? { amount: early, leavesEarly: true } : { amount: whole, leavesEarly: false }
}

function onUnits(
  start: Pick<Payment, 'way' | 'units' | 'leavesEarly'>,
  perReplica: number,
  replicaTpm: number | undefined,
  flow: Flow,
): Offer {
  const tpm = totalTpm(flow)
  const stepScale = replicaTpm === undefined || tpm === 0 ? Infinity : replicaTpm / tpm
  const cost: ScaledCost = { perScale: 0, perStep: perReplica, stepScale }
  const amount = costAtScale(cost, 1)
  const notes = replicaTpm === undefined ? ['how many tokens a minute one replica serves is not known'] : []
  const replicas = stepScale === Infinity ? 1 : Math.max(1, Math.ceil(1 / stepScale - 1e-9))
  return { payment: { ...start, amount, notes, isComparable: replicaTpm !== undefined, replicas }, cost }
}

function replicaTpmOf({ replicaTpm }: PaymentOptions, units: ModelUnitPrice): number | undefined {
  const name = unitsName(units)
  const tpm = typeof replicaTpm === 'object' ? replicaTpm[name] : replicaTpm
  if (tpm === undefined || (tpm > 0 && tpm < Infinity)) return tpm
  throw new InvalidRequest(`replicaTpm of ${name} is ${shown(tpm)}: give tokens a minute, above 0`)
}
