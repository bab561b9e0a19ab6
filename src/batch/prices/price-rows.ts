import type { PriceRow, PricesTable } from './prices.js'

/** What all prices read from one document have in common. */
type Origin = Required<Pick<PriceRow, 'currency' | 'region' | 'date' | 'source'>>

/** The rows of one document: each model's `[input, output]`, and on every row what is said of all. Frozen. */
export function priceRows(
  origin: Origin,
  prices: Readonly<Record<string, readonly [input: number, output: number]>>,
): PricesTable {
  return Object.freeze(
    Object.fromEntries(
      Object.entries(prices).map(([model, [input, output]]) => [model, Object.freeze({ input, output, ...origin })]),
    ),
  )
}
