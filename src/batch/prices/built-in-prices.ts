import { deploymentPricesBeijing } from './data/deployment-prices-beijing.js'
import { pricesBeijing } from './data/prices-beijing.js'
import { pricesInternational } from './data/prices-international.js'
import type { DeploymentPrices } from './deployment-prices.js'
import type { PricesTable } from './prices.js'

/** The names by which the built-in prices are asked for: those of the limits tables of the same regions. */
export type BuiltInPricesName = 'model-studio/singapore' | 'model-studio/beijing'

/** The built-in prices. They hold a few models; each row carries its currency, region, date and source. */
export const builtInPrices: Readonly<Record<BuiltInPricesName, PricesTable>> = Object.freeze({
  'model-studio/singapore': pricesInternational,
  'model-studio/beijing': pricesBeijing,
})

/** The built-in prices of the region whose limits table is called so; an empty table where none are known. */
export function pricesBeside(limitsTable: string): PricesTable {
  if (limitsTable === 'model-studio/international-2025') return pricesInternational
  return Object.hasOwn(builtInPrices, limitsTable) ? builtInPrices[limitsTable as BuiltInPricesName] : {}
}

/** The built-in prices of deployments. Model Studio sells deployments in Beijing alone. */
export const builtInDeploymentPrices: DeploymentPrices = deploymentPricesBeijing
