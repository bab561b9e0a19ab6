import { builtInDeploymentPrices } from '../prices/built-in-prices.js'
import type { DeploymentPrices } from '../prices/deployment-prices.js'
import type { Flow } from './steady-load.js'
import { linear, type Offer, type PaymentOptions, type Time, unknown } from './payment-way.js'
import type { PriceRow } from '../prices/prices.js'

/** Returns the pay-as-you-go offer. The model's public limits apply to it. */
export function payAsYouGo(options: PaymentOptions, flow: Flow, time: Time): Offer {
  const price = priceOf(options)
  if (typeof price === 'string') return unknown('pay-as-you-go', price)
  return linear({ way: 'pay-as-you-go', notes: [] }, perMinute(price, flow), time)
}

/** Returns the token price of a model, or the reason why it is unknown. */
export function priceOf({
  model,
  prices = {},
  deploymentPrices = builtInDeploymentPrices,
}: PaymentOptions): PriceRow | string {
  if (!Object.hasOwn(prices, model)) return `no pay-as-you-go price of '${model}' is known`
  const { currency } = deploymentPrices
  const price = prices[model]!
  if (price.currency === currency) return price
  return `its pay-as-you-go price is in ${price.currency}, those of deployments are in ${currency}`
}

/** Returns the pay-as-you-go cost of one minute of `flow`. */
export function perMinute({ input, output, thinkingOutput = output }: PriceRow, flow: Flow): number {
  return (flow.inputTpm * input + flow.outputTpm * output + flow.thinkingOutputTpm * thinkingOutput) / 1e6
}

/** Returns the offer for a model that was fine-tuned from this one, by its tokens. */
export function tunedTokens({ model }: PaymentOptions, { tokens }: DeploymentPrices, flow: Flow, time: Time): Offer {
  if (!Object.hasOwn(tokens, model)) {
    return unknown('tuned-tokens', `models tuned from '${model}' are not sold by their tokens`)
  }
  const { input, output, thinkingOutput = output } = tokens[model]!
  const minute = (flow.inputTpm * input + flow.outputTpm * output + flow.thinkingOutputTpm * thinkingOutput) / 1e3
  return linear({ way: 'tuned-tokens', notes: [] }, minute, time)
}
