import { perMinute, priceOf } from './pay-by-token.js'
import type { DeploymentPrices, ProvisionedPrice, ThroughputPrice } from '../prices/deployment-prices.js'
import { type Flow, splitLoad, type SplitLoad } from './steady-load.js'
import {
  MINUTES_AN_HOUR,
  type Offer,
  type Payment,
  type PaymentOptions,
  type PaymentWay,
  type Time,
  unknown,
} from './payment-way.js'

/** Returns the offers for reserved throughput: by the hour and by the day. */
export function provisioned(options: PaymentOptions, { provisioned: table }: DeploymentPrices, time: Time): Offer[] {
  const { model, load } = options
  if (!Object.hasOwn(table, model)) {
    const why = `'${model}' is not sold as provisioned throughput`
    return [unknown('provisioned-hour', why), unknown('provisioned-day', why)]
  }
  const price = table[model]!
  const split = splitLoad(load, price.maxInputTokens)
  return [
    reserved('provisioned-hour', price.hour, time.hours * time.days, { options, price, split, time }),
    reserved('provisioned-day', price.day, time.days, { options, price, split, time }),
  ]
}

interface Reserving {
  readonly options: PaymentOptions
  readonly price: ProvisionedPrice
  readonly split: SplitLoad
  readonly time: Time
}

/** Returns one offer. `times` is the number of hours or days that are paid. */
function reserved(
  way: PaymentWay,
  prices: ThroughputPrice,
  times: number,
  { options, price, split, time }: Reserving,
): Offer {
  const { within, over, requestsOverPerMinute } = split
  const most = `${price.maxInputTokens.toLocaleString('en')} input tokens`
  const notes = price.note === undefined ? [] : [price.note]
  let overflow = 0
  let isComparable = true
  if (requestsOverPerMinute === undefined) notes.push(`requests above ${most} would be paid for by their tokens`)
  else if (requestsOverPerMinute > 0) {
    const byToken = priceOf(options)
    isComparable = typeof byToken !== 'string'
    if (typeof byToken !== 'string') overflow = perMinute(byToken, over) * MINUTES_AN_HOUR * time.hours * time.days
    const why = typeof byToken === 'string' ? `, which is not in the amount: ${byToken}` : ''
    notes.push(`requests above ${most} are paid for by their tokens${why}`)
  }
  const amount = times * throughputCost(prices, within) + overflow
  const payment: Payment = {
    way,
    amount,
    notes,
    isComparable,
    reserves: within,
    ...(requestsOverPerMinute !== undefined && { overflowPerMinute: requestsOverPerMinute }),
  }
  return { payment, cost: { perScale: amount, perStep: 0, stepScale: Infinity } }
}

/** Returns the hours a day from which throughput by the day is cheaper. Undefined if it is not sold or the load is empty. */
export function dayCheaperFrom(
  { model, load }: PaymentOptions,
  { provisioned: table }: DeploymentPrices,
): number | undefined {
  if (!Object.hasOwn(table, model)) return undefined
  const { hour, day, maxInputTokens } = table[model]!
  const { within } = splitLoad(load, maxInputTokens)
  const anHour = throughputCost(hour, within)
  return anHour > 0 ? throughputCost(day, within) / anHour : undefined
}

function throughputCost(prices: ThroughputPrice, flow: Flow): number {
  const { inputPer10kTpm, outputPer1kTpm, thinkingOutputPer1kTpm = outputPer1kTpm } = prices
  return (
    (flow.inputTpm / 10_000) * inputPer10kTpm +
    (flow.outputTpm / 1_000) * outputPer1kTpm +
    (flow.thinkingOutputTpm / 1_000) * thinkingOutputPer1kTpm
  )
}
