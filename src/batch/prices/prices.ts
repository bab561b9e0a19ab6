import { amount, amountIfAny, checkedRow, checkedTable, currency, textIfAny } from './price-fields.js'

/**
 * What one model costs where each token is paid for. Prices that rise with the length of a prompt, and discounts for
 * cached input, have no place here: give the price that most requests have.
 */
export interface PriceRow {
  /** A million input tokens. */
  readonly input: number
  /** A million output tokens, thinking included unless `thinkingOutput` is given. */
  readonly output: number
  /** A million tokens of an answer with thinking, the thinking itself included. @default `output` */
  readonly thinkingOutput?: number
  /** ISO 4217: `'USD'`, `'CNY'`. */
  readonly currency: string
  readonly region?: string
  /** The day (or month) of the source, ISO 8601. */
  readonly date?: string
  readonly source?: string
}

/** Prices by exact model name. */
export type PricesTable = Readonly<Record<string, PriceRow>>

/** An amount of money. */
export interface Money {
  readonly amount: number
  /** ISO 4217. */
  readonly currency: string
}

/** What something costs; or that nobody knows, and why. An unknown price is never 0. */
export type Priced =
  | ({ readonly known: true; readonly price: Omit<PriceRow, 'input' | 'output' | 'thinkingOutput'> } & Money)
  | { readonly known: false; readonly why: string }

/** A batch costs this part of what the same requests cost one by one (Model Studio's documents). */
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
 * Checks a table of prices, `{ "qwen-plus": { "input": 0.4, "output": 1.2, "currency": "USD" }, … }`, for a million
 * tokens, and returns a frozen copy of it. It replaces the built-in one.
 *
 * @param what - how the message calls the table: a file's path, an option's name
 * @throws InvalidRequest for the first row that is wrong; the message names the model and the field
 */
export function validatePrices(table: unknown, what: string): PricesTable {
  return checkedTable(table, what, (row, place) => checkedRow<PriceRow>(row, RULES, place))
}

/** The tokens of requests. */
export interface TokenCounts {
  readonly inputTokens: number
  /** Thinking included. */
  readonly outputTokens: number
  /** The output tokens, thinking included, of the answers that think. */
  readonly thinkingOutputTokens?: number
}

/** What `tokens` cost at `model`, each paid for. `share`: what part of the price is asked, such as {@link BATCH_PRICE_SHARE}. */
export function costOf(model: string, tokens: TokenCounts, prices: PricesTable, share = 1): Priced {
  if (!Object.hasOwn(prices, model)) return { known: false, why: `no price of '${model}' is known` }
  const { input, output, thinkingOutput = output, ...price } = prices[model]!
  const thinking = tokens.thinkingOutputTokens ?? 0
  const millions = tokens.inputTokens * input + (tokens.outputTokens - thinking) * output + thinking * thinkingOutput
  return { known: true, amount: (share * millions) / 1e6, currency: price.currency, price }
}
