import type { DeploymentPrices, ModelUnitPrice } from '../prices/deployment-prices.js'
import type { ScaledCost } from './cheapest-ranges.js'
import type { Flow, SteadyLoad } from './steady-load.js'
import type { PricesTable } from '../prices/prices.js'

/**
 * A way to pay for a load. By its tokens; by reserved throughput, hourly or a day in advance; by model units, hourly or a month
 * in advance; or by the tokens of a fine-tuned model.
 */
export type PaymentWay =
  | 'pay-as-you-go'
  | 'provisioned-hour'
  | 'provisioned-day'
  | 'units-hour'
  | 'units-month'
  | 'tuned-tokens'

export interface PaymentOptions {
  /** The exact name in the deployment tables. Most of these are dated versions. */
  readonly model: string
  readonly load: SteadyLoad
  /** Hours a day with this load, above 0 and up to 24. @default 24 */
  readonly hours?: number | undefined
  /** Duration of the load, in whole days. @default 30 */
  readonly days?: number | undefined
  /**
   * Whether the load goes to a model that was fine-tuned from `model`. Only a tuned model has the fine-tuned token price. It can
   * also be paid for by units.
   * @default false
   */
  readonly isTuned?: boolean | undefined
  /** Pay-as-you-go prices, in the currency of the deployment prices. @default unknown */
  readonly prices?: PricesTable | undefined
  /** Prices of dedicated deployments. @default the built-in prices of Beijing */
  readonly deploymentPrices?: DeploymentPrices | undefined
  /**
   * Tokens a minute that one replica serves, input and output together. One number, or one for each unit configuration:
   * `{ 'MU1 x 4': 50000 }` ({@link unitsName}). The service does not document it, so the user must measure it.
   * @default unknown: the plan gives the price of one replica and excludes it from the comparison
   */
  readonly replicaTpm?: number | Readonly<Record<string, number>> | undefined
  /** The largest multiple of the load for which the plan looks for the cheapest way. @default 10 */
  readonly upToScale?: number | undefined
}

/** One way to pay, and its cost for the whole time. */
export interface Payment {
  readonly way: PaymentWay
  /** The cost of the whole time. Undefined if it is unknown or the way is not sold. */
  readonly amount: number | undefined
  /** The reasons for a missing amount, or the conditions of the amount. */
  readonly notes: readonly string[]
  /** Whether the amount covers the whole load, so that it can be compared. */
  readonly isComparable: boolean
  /** For reserved throughput: the tokens a minute to buy. */
  readonly reserves?: Flow
  /** For reserved throughput: requests a minute that are too long for it. They are paid for by their tokens. */
  readonly overflowPerMinute?: number
  /** For units: the unit configuration. */
  readonly units?: ModelUnitPrice
  /** For units: the number of replicas. */
  readonly replicas?: number
  /** For units by the month: whether leaving early in the first month is cheaper than paying the whole month. */
  readonly leavesEarly?: boolean
}

/** A payment, and its cost at other scales of the load. */
export interface Offer {
  readonly payment: Payment
  readonly cost: ScaledCost | undefined
}

/** The duration of a load. */
export interface Time {
  readonly hours: number
  readonly days: number
}

export const MINUTES_AN_HOUR = 60

/** Returns an offer with a cost proportional to the load. */
export function linear(start: Pick<Payment, 'way' | 'notes'>, minute: number, { hours, days }: Time): Offer {
  const amount = minute * MINUTES_AN_HOUR * hours * days
  return {
    payment: { ...start, amount, isComparable: true },
    cost: { perScale: amount, perStep: 0, stepScale: Infinity },
  }
}

/** Returns an offer without an amount, because the way is not sold or its price is unknown. */
export function unknown(way: PaymentWay, why: string): Offer {
  return { payment: { way, amount: undefined, notes: [why], isComparable: false }, cost: undefined }
}
