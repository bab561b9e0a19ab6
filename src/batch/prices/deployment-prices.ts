import { InvalidRequest } from '../../errors.js'
import { isPlainOrModule, shown } from '../../limits/limit-values.js'
import { amount, amountIfAny, checkedRow, checkedTable, count, currency, text, textIfAny } from './price-fields.js'

/**
 * The price of reserved throughput for one period. The units are the documented ones: input is sold by 10,000 tokens a minute,
 * output by 1,000. Whether a fraction of a unit can be bought is not documented.
 */
export interface ThroughputPrice {
  /** Price of 10,000 input tokens a minute. */
  readonly inputPer10kTpm: number
  /** Price of 1,000 output tokens a minute. */
  readonly outputPer1kTpm: number
  /** Price of 1,000 output tokens a minute in answers with thinking. @default `outputPer1kTpm` */
  readonly thinkingOutputPer1kTpm?: number
}

/** Provisioned throughput of one model. */
export interface ProvisionedPrice {
  /** Maximum input of a request, in tokens. A longer request overflows and is paid for by its tokens. */
  readonly maxInputTokens: number
  /** The price of one hour, pay-as-you-go. */
  readonly hour: ThroughputPrice
  /** The price of one day, paid in advance. The day ends at 23:59. A purchase after 22:00 lasts through the next day. */
  readonly day: ThroughputPrice
  /** A remark about the prices. */
  readonly note?: string
}

/** The price of one replica: a configuration of model units that serves a model. */
export interface ModelUnitPrice {
  /** The kind of unit, such as `'MU1'`. */
  readonly unit: string
  /** Number of units of one replica. */
  readonly count: number
  /** `'pd-separated'`: prefill and decoding run on separate nodes. */
  readonly mode?: string
  /** The price of one replica for an hour, all units together. Billed by the minute. */
  readonly hour: number
  /** The price of one replica for a month, paid in advance. When left in the first month, each day begun costs 1.2 thirtieths. */
  readonly month: number
}

/** The token price of a fine-tuned model, for 1,000 tokens. Pay-as-you-go prices are for a million. */
export interface TunedTokenPrice {
  readonly input: number
  readonly output: number
  /** The price of output in answers with thinking. @default `output` */
  readonly thinkingOutput?: number
}

/** All prices of dedicated deployments, by exact model code. A model that is missing from a table is not sold in that way. */
export interface DeploymentPrices {
  /** The currency of all prices, ISO 4217. */
  readonly currency: string
  readonly region?: string
  /** The day or month of the source, ISO 8601. */
  readonly date?: string
  readonly source?: string
  readonly provisioned: Readonly<Record<string, ProvisionedPrice>>
  readonly modelUnits: Readonly<Record<string, readonly ModelUnitPrice[]>>
  /** Prices of fine-tuned models (LoRA), by base model. */
  readonly tokens: Readonly<Record<string, TunedTokenPrice>>
}

/** Factor on the daily share of the monthly price when model units are left in their first month (documented). */
export const EARLY_LEAVE_FACTOR = 1.2

const THROUGHPUT = { inputPer10kTpm: amount, outputPer1kTpm: amount, thinkingOutputPer1kTpm: amountIfAny }
const ANYTHING = { check: (value: unknown) => (value === undefined ? 'give an object' : undefined) }
const PROVISIONED = { maxInputTokens: count, hour: ANYTHING, day: ANYTHING, note: textIfAny }
const UNITS = { unit: text, count, mode: textIfAny, hour: amount, month: amount }
const TOKENS = { input: amount, output: amount, thinkingOutput: amountIfAny }
const WHOLE = {
  currency,
  region: textIfAny,
  date: textIfAny,
  source: textIfAny,
  provisioned: ANYTHING,
  modelUnits: ANYTHING,
  tokens: ANYTHING,
}

/**
 * Returns a checked, frozen copy of deployment prices. A missing table is empty.
 *
 * @param what - the name of the prices in messages, such as a file path or an option
 * @throws InvalidRequest for the first invalid row. The message names the table, the model and the field
 */
export function validateDeploymentPrices(prices: unknown, what: string): DeploymentPrices {
  if (!isPlainOrModule(prices)) {
    throw new InvalidRequest(`${what} is ${shown(prices)}: give { currency, provisioned, modelUnits, tokens }`)
  }
  const { provisioned = {}, modelUnits = {}, tokens = {}, ...origin } = prices as Partial<DeploymentPrices>
  const head = checkedRow<DeploymentPrices>({ ...origin, provisioned, modelUnits, tokens }, WHOLE, what)
  return Object.freeze({
    ...head,
    provisioned: checkedTable(provisioned, `${what}: provisioned`, provisionedRow),
    modelUnits: checkedTable(modelUnits, `${what}: modelUnits`, unitRows),
    tokens: checkedTable(tokens, `${what}: tokens`, (row, place) => checkedRow<TunedTokenPrice>(row, TOKENS, place)),
  })
}

function provisionedRow(row: unknown, place: string): ProvisionedPrice {
  const checked = checkedRow<ProvisionedPrice>(row, PROVISIONED, place)
  const hour = checkedRow<ThroughputPrice>(checked.hour, THROUGHPUT, `${place}: hour`)
  return Object.freeze({ ...checked, hour, day: checkedRow<ThroughputPrice>(checked.day, THROUGHPUT, `${place}: day`) })
}

function unitRows(rows: unknown, place: string): readonly ModelUnitPrice[] {
  if (!Array.isArray(rows) || rows.length === 0) {
    throw new InvalidRequest(`${place} is ${shown(rows)}: give a list of { unit, count, hour, month }`)
  }
  return Object.freeze(
    rows.map((row, index) => checkedRow<ModelUnitPrice>(row, UNITS, `${place}: make-up ${index + 1}`)),
  )
}
