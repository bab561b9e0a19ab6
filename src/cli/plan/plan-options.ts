import { pricesBeside } from '../../batch/prices/built-in-prices.js'
import { type DeploymentPrices, validateDeploymentPrices } from '../../batch/prices/deployment-prices.js'
import { type PricesTable, validatePrices } from '../../batch/prices/prices.js'
import { InvalidRequest } from '../../errors.js'
import { DEFAULT_TABLE } from '../../limits/built-in-tables.js'
import { resolveLimits } from '../../limits/resolve-limits.js'
import { readJsonFile } from '../../node/json-file.js'
import type { Limits, LimitsTable } from '../../types.js'
import type { PlanOptions } from '../../batch/plan/plan-batch.js'
import { limitsTable } from '../limits/limits-table.js'

/** What `--network-jitter-ms` says of itself. */
export const JITTER_HELP = 'by how much the delay to the service varies (default: 50, then learned; 75 on this machine)'

/** The options of `headgate plan`, as they are read. */
export interface PlanFlags {
  readonly model?: readonly string[]
  /** The name of a built-in table, or the path of a JSON file. */
  readonly limits?: string
  readonly prices?: string
  readonly deploymentPrices?: string
  readonly fallback?: readonly string[]
  readonly outputTokens?: number | 'max'
  readonly rpm?: number
  readonly tpm?: number
  /** Seconds. */
  readonly rampUp: number
  readonly networkJitterMs?: number | undefined
  /** Requests a minute of a steady load. */
  readonly load?: number
  readonly hours?: number
  readonly days?: number
  readonly replicaTpm?: number
  readonly json?: true
}

/** What the tables say that the flags name. */
export interface PlanTables {
  readonly limits: LimitsTable
  /** What the limits are called: a built-in table, or a path. */
  readonly limitsName: string
  readonly prices: PricesTable
  readonly deploymentPrices: DeploymentPrices | undefined
}

/** @throws UsageError, InvalidLimits, InvalidRequest for a table that is not there or is wrong */
export async function planTables(
  flags: Pick<PlanFlags, 'limits' | 'prices' | 'deploymentPrices'>,
): Promise<PlanTables> {
  const limitsName = flags.limits ?? DEFAULT_TABLE
  const { prices, deploymentPrices } = flags
  return {
    limits: await limitsTable(limitsName),
    limitsName,
    prices: prices === undefined ? pricesBeside(limitsName) : await load(prices, 'prices file', validatePrices),
    deploymentPrices: deploymentPrices && (await load(deploymentPrices, 'prices file', validateDeploymentPrices)),
  } as PlanTables
}

/** The backups are those of every model that is planned for. */
export function planOptions(
  { model: models, fallback, ...flags }: Pick<PlanFlags, 'model' | 'fallback' | 'rpm' | 'tpm' | 'networkJitterMs'>,
  { limits: table, limitsName: tableName, prices }: PlanTables,
): PlanOptions {
  const own = ownLimits(flags)
  return {
    limitsOf: (model) => resolveLimits(model, { table, tableName, overrides: { [model]: own } }),
    models,
    prices,
    networkJitterMs: flags.networkJitterMs,
    knownModels: Object.keys(table),
    fallback: fallback && models && Object.fromEntries(models.map((model) => [model, fallback])),
  }
}

/** The limits that `--rpm` and `--tpm` give every model. */
export function ownLimits({ rpm, tpm }: { readonly rpm?: number; readonly tpm?: number }): Limits {
  return { ...(rpm !== undefined && { rpm }), ...(tpm !== undefined && { tpm }) }
}

async function load<T>(path: string, kind: string, validate: (json: unknown, what: string) => T): Promise<T> {
  const what = `${kind} '${path}'`
  const json = await readJsonFile(path, what, (message, cause) => new InvalidRequest(message, { cause }))
  return validate(json, what)
}
