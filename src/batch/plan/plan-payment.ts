import { InvalidRequest } from '../../errors.js'
import { shown } from '../../limits/limit-values.js'
import { dayCheaperFrom, provisioned } from './pay-by-throughput.js'
import { payAsYouGo, tunedTokens } from './pay-by-token.js'
import { modelUnits } from './pay-by-units.js'
import { builtInDeploymentPrices } from '../prices/built-in-prices.js'
import type { DeploymentPrices } from '../prices/deployment-prices.js'
import { cheapestRanges } from './cheapest-ranges.js'
import { splitLoad, totalTpm } from './steady-load.js'
import type { Payment, PaymentOptions, Time } from './payment-way.js'

/** A range of loads with one cheapest way to pay. */
export interface CheapestPayment {
  readonly payment: Payment
  /** The range starts above this multiple of the given load. It ends at `toScale`, inclusive. */
  readonly fromScale: number
  readonly toScale: number
  /** The start of the range in tokens a minute, input and output together. */
  readonly fromTpm: number
  readonly toTpm: number
}

export interface PaymentPlan {
  /** The currency of all amounts, ISO 4217. */
  readonly currency: string
  /** The origin of the deployment prices. */
  readonly origin: Pick<DeploymentPrices, 'region' | 'date' | 'source'>
  /** All ways to pay: comparable ones by cost, those without an amount last. */
  readonly payments: readonly Payment[]
  /** The cheapest comparable way. Undefined if no way is comparable. */
  readonly cheapest: Payment | undefined
  /** The cheapest way for smaller and larger loads of the same shape, in the same hours. */
  readonly byLoad: readonly CheapestPayment[]
  /** Hours a day from which throughput by the day is cheaper than by the hour. Undefined if it is not sold. */
  readonly dayCheaperFromHours: number | undefined
}

/**
 * Returns the cost of a steady load for each way to pay, the cheapest way, and the loads at which another way becomes cheapest.
 *
 * It uses the documented formulas: reserved throughput = time × Σ price × tokens a minute; units = time × units × price. A month
 * of units is paid whole and has 30 days here. Throughput is priced by 1,000 and 10,000 tokens, but is planned to the token.
 *
 * A steady load stays within its reserved throughput. Only requests longer than the model's `maxInputTokens` overflow. The plan
 * ignores that one request larger than a minute of the load overflows too.
 *
 * @throws InvalidRequest for a value that is not a number or is out of range
 */
export function planPayment(options: PaymentOptions): PaymentPlan {
  const { load, isTuned = false, deploymentPrices = builtInDeploymentPrices, upToScale = 10 } = options
  const time = timeOf(options)
  if (!(upToScale > 0 && upToScale < Infinity)) {
    throw new InvalidRequest(`upToScale is ${shown(upToScale)}: give a number above 0`)
  }
  const all = splitLoad(load).within
  const offers = [
    ...(isTuned ? [tunedTokens(options, deploymentPrices, all, time)] : [payAsYouGo(options, all, time)]),
    ...(isTuned ? [] : provisioned(options, deploymentPrices, time)),
    ...modelUnits(options, deploymentPrices, all, time),
  ]
  const payments = offers.map(({ payment }) => payment).sort(byAmount)
  const compared = offers.filter(({ payment }) => payment.isComparable)
  const ranges = cheapestRanges(
    compared.map(({ cost }) => cost!),
    upToScale,
  )
  const tpm = totalTpm(all)
  const { currency, region, date, source } = deploymentPrices
  return {
    currency,
    origin: { ...(region && { region }), ...(date && { date }), ...(source && { source }) },
    payments,
    cheapest: payments.find(({ isComparable }) => isComparable),
    byLoad: ranges.map(({ from, to, index }) => ({
      payment: compared[index]!.payment,
      fromScale: from,
      toScale: to,
      fromTpm: from * tpm,
      toTpm: to * tpm,
    })),
    dayCheaperFromHours: isTuned ? undefined : dayCheaperFrom(options, deploymentPrices),
  }
}

function timeOf({ hours = 24, days = 30 }: PaymentOptions): Time {
  if (!(typeof hours === 'number' && hours > 0 && hours <= 24)) {
    throw new InvalidRequest(`hours is ${shown(hours)}: give the hours a day, above 0 and up to 24`)
  }
  if (!(Number.isInteger(days) && days >= 1)) {
    throw new InvalidRequest(`days is ${shown(days)}: give whole days, 1 or more`)
  }
  return { hours, days }
}

function byAmount(a: Payment, b: Payment): number {
  if (a.isComparable !== b.isComparable) return a.isComparable ? -1 : 1
  return (a.amount ?? Infinity) - (b.amount ?? Infinity) || 0
}
