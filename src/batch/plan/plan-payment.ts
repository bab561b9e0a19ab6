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

/** A range of loads for which one way is the cheapest. */
export interface CheapestPayment {
  readonly payment: Payment
  /** Above this part of the given load, up to and with `toScale`. */
  readonly fromScale: number
  readonly toScale: number
  /** The same in tokens a minute, input and output together. */
  readonly fromTpm: number
  readonly toTpm: number
}

export interface PaymentPlan {
  /** ISO 4217, of all amounts. */
  readonly currency: string
  /** Where the prices of deployments are from. */
  readonly origin: Pick<DeploymentPrices, 'region' | 'date' | 'source'>
  /** All ways, the cheapest comparable one first, those without an amount last. */
  readonly payments: readonly Payment[]
  /** Undefined where nothing can be compared. */
  readonly cheapest: Payment | undefined
  /** Which way is the cheapest for less and for more of the same load, in the same hours. */
  readonly byLoad: readonly CheapestPayment[]
  /** From so many hours a day on, throughput is cheaper by the day; undefined where it is not sold. */
  readonly dayCheaperFromHours: number | undefined
}

/**
 * What a steady load costs in each way of paying, which is the cheapest, and from which load on another one is. By the
 * formulas of the vendor's page: reserved throughput = time × Σ price × tokens a minute; units = time × units × price; a month
 * of units is a whole one, of 30 days here. Throughput is taken by the token although it is priced by 1,000 and 10,000.
 *
 * What is steady stays within the throughput that it reserves, but for requests that are longer than the model's
 * `maxInputTokens`. Left out: a single request larger than all that the load uses in a minute, which overflows too.
 *
 * @throws InvalidRequest for a number that is none, or out of its range
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
