import type { DeploymentPrices, ModelUnitPrice } from '../prices/deployment-prices.js'
import type { ScaledCost } from './cheapest-ranges.js'
import type { Flow, SteadyLoad } from './steady-load.js'
import type { PricesTable } from '../prices/prices.js'

/**
 * How a load is paid for: by its tokens; by reserved throughput, an hour as it is used or a day in advance; by the units that
 * serve it, an hour as they are used or a month in advance; by the tokens of a fine-tuned model.
 */
export type PaymentWay =
  | 'pay-as-you-go'
  | 'provisioned-hour'
  | 'provisioned-day'
  | 'units-hour'
  | 'units-month'
  | 'tuned-tokens'

export interface PaymentOptions {
  /** Exactly as the deployment tables name it: of most models these are dated versions. */
  readonly model: string
  readonly load: SteadyLoad
  /** Hours a day in which the load comes, above 0 and up to 24. @default 24 */
  readonly hours?: number | undefined
  /** Whole days. @default 30 */
  readonly days?: number | undefined
  /**
   * Whether it is a model of one's own, tuned from `model`: such are paid for by units or by their tokens, and others never
   * by the latter.
   * @default false
   */
  readonly isTuned?: boolean | undefined
  /** Pay-as-you-go prices, in the currency of the deployments'. @default none, so that they are unknown */
  readonly prices?: PricesTable | undefined
  /** @default those of Beijing */
  readonly deploymentPrices?: DeploymentPrices | undefined
  /**
   * How many tokens a minute, input and output together, one replica serves: one number, or by make-up, `{ 'MU1 x 4': 50000 }`
   * ({@link unitsName}). The page does not say, so it has to be measured.
   * @default unknown: the price of one replica is given, and takes no part in the comparison
   */
  readonly replicaTpm?: number | Readonly<Record<string, number>> | undefined
  /** Up to how many times the load the cheapest way is looked for. @default 10 */
  readonly upToScale?: number | undefined
}

/** One way of paying, and what it costs for the whole time. */
export interface Payment {
  readonly way: PaymentWay
  /** Of the whole time; undefined where it is unknown or not to be had. */
  readonly amount: number | undefined
  /** Why there is no amount, or what has to be known of it. */
  readonly notes: readonly string[]
  /** Whether the amount is known to be for all of the load, so that it can be compared. */
  readonly isComparable: boolean
  /** Reserved throughput: what has to be bought, in tokens a minute. */
  readonly reserves?: Flow
  /** Reserved throughput: requests a minute that are too long for it, and are paid for by their tokens. */
  readonly overflowPerMinute?: number
  /** Units: their make-up, and how many replicas of it. */
  readonly units?: ModelUnitPrice
  readonly replicas?: number
  /** Units by the month: whether leaving them early, in their first month, is cheaper than keeping them to its end. */
  readonly leavesEarly?: boolean
}

/** A payment, and what it is for another scale of the load. */
export interface Offer {
  readonly payment: Payment
  readonly cost: ScaledCost | undefined
}

/** For how long a load comes. */
export interface Time {
  readonly hours: number
  readonly days: number
}

export const MINUTES_AN_HOUR = 60

/** What costs so much a minute of the load, and nothing without it. */
export function linear(start: Pick<Payment, 'way' | 'notes'>, minute: number, { hours, days }: Time): Offer {
  const amount = minute * MINUTES_AN_HOUR * hours * days
  return {
    payment: { ...start, amount, isComparable: true },
    cost: { perScale: amount, perStep: 0, stepScale: Infinity },
  }
}

/** What cannot be had in this way, or nobody knows the price of. */
export function unknown(way: PaymentWay, why: string): Offer {
  return { payment: { way, amount: undefined, notes: [why], isComparable: false }, cost: undefined }
}
