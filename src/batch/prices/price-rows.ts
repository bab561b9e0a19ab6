import type { PriceRow, PricesTable } from './prices.js'

/** The fields that all prices of one document share. */
type Origin = Required<Pick<PriceRow, 'currency' | 'region' | 'date' | 'source'>>

/** Returns the frozen rows of one document from the `[input, output]` prices of its models and their shared fields. */
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
