import { amount, amountIfAny, checkedRow, checkedTable, currency, textIfAny } from './price-fields.js'

/**
 * The pay-as-you-go price of one model. A row cannot express prices that depend on the prompt length, or cache discounts. Use the
 * price of most requests.
 */
export interface PriceRow {
  /** Price of one million input tokens. */
  readonly input: number
  /** Price of one million output tokens. It includes thinking unless `thinkingOutput` is set. */
  readonly output: number
  /** Price of one million output tokens in answers with thinking, including the thinking. @default `output` */
  readonly thinkingOutput?: number
  /** The currency, ISO 4217: `'USD'`, `'CNY'`. */
  readonly currency: string
  readonly region?: string
  /** The day or month of the source, ISO 8601. */
  readonly date?: string
  readonly source?: string
}

/** Prices by exact model name. */
export type PricesTable = Readonly<Record<string, PriceRow>>

/** An amount of money. */
export interface Money {
  readonly amount: number
  /** The currency, ISO 4217. */
  readonly currency: string
}

/** A cost, or the reason why it is unknown. An unknown cost is never 0. */
export type Priced =
  | ({ readonly known: true; readonly price: Omit<PriceRow, 'input' | 'output' | 'thinkingOutput'> } & Money)
  | { readonly known: false; readonly why: string }

/** The price of the Batch API as a share of the real-time price (documented by Model Studio). */
export const BATCH_PRICE_SHARE = 0.5

const RULES = {
  input: amount,
  output: amount,
  thinkingOutput: amountIfAny,
  currency,
  region: textIfAny,
  date: textIfAny,
  source: textIfAny,
}

/**
 * Returns a checked, frozen copy of a price table. Prices are for one million tokens:
 * `{ "qwen-plus": { "input": 0.4, "output": 1.2, "currency": "USD" }, … }`. The copy can replace a built-in table.
 *
 * @param what - the name of the table in messages, such as a file path or an option
 * @throws InvalidRequest for the first invalid row. The message names the model and the field
 */
export function validatePrices(table: unknown, what: string): PricesTable {
  return checkedTable(table, what, (row, place) => checkedRow<PriceRow>(row, RULES, place))
}

/** Token counts of requests. */
export interface TokenCounts {
  readonly inputTokens: number
  /** Output tokens, including thinking. */
  readonly outputTokens: number
  /** Output tokens of answers with thinking, including the thinking. */
  readonly thinkingOutputTokens?: number
}

/** Returns the pay-as-you-go cost of `tokens` at `model`. `share` is a factor on the price, such as {@link BATCH_PRICE_SHARE}. */
export function costOf(model: string, tokens: TokenCounts, prices: PricesTable, share = 1): Priced {
  if (!Object.hasOwn(prices, model)) return { known: false, why: `no price of '${model}' is known` }
  const { input, output, thinkingOutput = output, ...price } = prices[model]!
  const thinking = tokens.thinkingOutputTokens ?? 0
  const millions = tokens.inputTokens * input + (tokens.outputTokens - thinking) * output + thinking * thinkingOutput
  return { known: true, amount: (share * millions) / 1e6, currency: price.currency, price }
}
