import { InvalidRequest } from '../../errors.js'
import { isPlainOrModule, shown } from '../../limits/limit-values.js'
import { amount, amountIfAny, checkedRow, checkedTable, count, currency, text, textIfAny } from './price-fields.js'

/**
 * What reserved throughput costs, for the time that the field's name says. Input is sold by 10,000 tokens a minute, output
 * by 1,000: the page's units, kept in the names. Whether a part of such a unit can be bought it does not say.
 */
export interface ThroughputPrice {
  /** 10,000 input tokens a minute. */
  readonly inputPer10kTpm: number
  /** 1,000 output tokens a minute. */
  readonly outputPer1kTpm: number
  /** 1,000 tokens a minute of the output of answers that think, where it has a price of its own. @default `outputPer1kTpm` */
  readonly thinkingOutputPer1kTpm?: number
}

/** Provisioned throughput of one model. */
export interface ProvisionedPrice {
  /** A request with a longer input leaves the reserved throughput and is paid for by its tokens. */
  readonly maxInputTokens: number
  /** An hour, paid as it is used. */
  readonly hour: ThroughputPrice
  /** A day, paid in advance. It ends at 23:59 whenever it began; what is bought after 22:00 lasts through the next day. */
  readonly day: ThroughputPrice
  /** What has to be known of the figures. */
  readonly note?: string
}

/** One make-up of model units that serves a model: a replica. */
export interface ModelUnitPrice {
  /** The kind of unit: `'MU1'`. */
  readonly unit: string
  /** How many of them one replica takes. */
  readonly count: number
  /** `'pd-separated'`: prefill and decoding on nodes of their own. */
  readonly mode?: string
  /** An hour of one replica, all its units together; billed by the minute. */
  readonly hour: number
  /** A month of one replica, paid in advance. Left early in the first month, each day begun costs 1.2 × a thirtieth. */
  readonly month: number
}

/** What a fine-tuned model costs by its tokens, for 1,000 of them (pay-as-you-go prices are for a million). */
export interface TunedTokenPrice {
  readonly input: number
  readonly output: number
  /** The output of answers that think, where it has a price of its own. @default `output` */
  readonly thinkingOutput?: number
}

/** All prices of dedicated deployments, by exact model code. A model that a table lacks cannot be had in that way. */
export interface DeploymentPrices {
  /** ISO 4217, of all prices. */
  readonly currency: string
  readonly region?: string
  /** The day (or month) of the source, ISO 8601. */
  readonly date?: string
  readonly source?: string
  readonly provisioned: Readonly<Record<string, ProvisionedPrice>>
  readonly modelUnits: Readonly<Record<string, readonly ModelUnitPrice[]>>
  /** By the model that was tuned (LoRA). */
  readonly tokens: Readonly<Record<string, TunedTokenPrice>>
}

/** What each day costs that a month of model units was used, where it is left in its first month, by a day's share of it. */
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
 * Checks prices of deployments, of the form of {@link DeploymentPrices}, and returns a frozen copy of them. A table left
 * out is empty.
 *
 * @param what - how the message calls them: a file's path, an option's name
 * @throws InvalidRequest for the first row that is wrong; the message names the table, the model and the field
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
