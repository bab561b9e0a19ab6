import { deploymentPricesBeijing } from './data/deployment-prices-beijing.js'
import { pricesBeijing } from './data/prices-beijing.js'
import { pricesInternational } from './data/prices-international.js'
import type { DeploymentPrices } from './deployment-prices.js'
import type { PricesTable } from './prices.js'

/** The names of the built-in prices. They equal the names of the limits tables of the same regions. */
export type BuiltInPricesName = 'model-studio/singapore' | 'model-studio/beijing'

/** The built-in prices, for a few models. Each row has its currency, region, date and source. */
export const builtInPrices: Readonly<Record<BuiltInPricesName, PricesTable>> = Object.freeze({
  'model-studio/singapore': pricesInternational,
  'model-studio/beijing': pricesBeijing,
})

/** Returns the built-in prices for the region of a limits table, or an empty table if none are known. */
export function pricesBeside(limitsTable: string): PricesTable {
  if (limitsTable === 'model-studio/international-2025') return pricesInternational
  return Object.hasOwn(builtInPrices, limitsTable) ? builtInPrices[limitsTable as BuiltInPricesName] : {}
}

/** The built-in prices of deployments. Model Studio sells deployments only in Beijing. */
export const builtInDeploymentPrices: DeploymentPrices = deploymentPricesBeijing
