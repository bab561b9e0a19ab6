import { DEFAULT_TABLE } from '../../limits/built-in-tables.js'
import { presets } from '../../simulator/index.js'
import type { PresetName, SimulatorOptions } from '../../simulator/index.js'
import type { Limits, LimitsTable } from '../../types.js'
import { UsageError } from '../exit-codes.js'
import { limitsTable } from '../limits/limits-table.js'

/** The options of `headgate simulate`, as they are read. */
export interface SimulateFlags {
  readonly port: number
  readonly host: string
  readonly preset: PresetName
  /** The name of a built-in table, or the path of a JSON file. */
  readonly limits?: string
  readonly model?: readonly string[]
  readonly rpm?: number
  readonly tpm?: number
  readonly apiKey?: readonly string[]
  readonly seed?: number
  readonly firstTokenMs?: number
  readonly perTokenMs?: number
  readonly outputTokens?: number
}

/** What limits the simulator is to have, and where they come from. */
export interface ChosenLimits {
  /** The models that exist; undefined where all do. */
  readonly limits?: LimitsTable
  /** The limits of the models that `limits` does not name. */
  readonly defaultLimits?: Limits
  readonly origin: string
}

/**
 * The limits that the flags ask for: a table, and `--rpm` and `--tpm` in it for the models that are named, else for all.
 * Without a table, the models that are named are all that exist; with neither, the preset's.
 */
export async function limitsOf(flags: SimulateFlags): Promise<ChosenLimits> {
  const { rpm, tpm, model: named } = flags
  const own: Limits = { ...(rpm !== undefined && { rpm }), ...(tpm !== undefined && { tpm }) }
  const hasOwn = rpm !== undefined || tpm !== undefined
  if (named !== undefined && !hasOwn)
    throw new UsageError('--model needs --rpm, --tpm or both: the limits of that model')
  if (flags.limits === undefined && hasOwn) {
    if (named === undefined) return { defaultLimits: own, origin: '--rpm and --tpm, for every model' }
    return { limits: tableOf(named, own), origin: '--rpm and --tpm' }
  }
  const preset = presets[flags.preset]()
  if (flags.limits === undefined && preset.limits === undefined) {
    return { defaultLimits: preset.defaultLimits ?? {}, origin: `preset ${flags.preset}, for every model` }
  }
  const origin = flags.limits ?? DEFAULT_TABLE
  const table = await limitsTable(origin)
  const changed = hasOwn ? { ...table, ...changedRows(table, own, named) } : table
  const others = flags.limits === undefined ? preset.defaultLimits : undefined
  return {
    limits: changed,
    ...(others && { defaultLimits: others }),
    origin: hasOwn ? `${origin}, with --rpm and --tpm` : origin,
  }
}

/** The options of the simulator. */
export function simulatorOptionsOf(flags: SimulateFlags, { limits, defaultLimits }: ChosenLimits): SimulatorOptions {
  const { limits: _table, defaultLimits: _others, ...preset } = presets[flags.preset]()
  const { firstTokenMs, perTokenMs, outputTokens, apiKey, seed } = flags
  return {
    ...preset,
    port: flags.port,
    host: flags.host,
    latency: { ...(firstTokenMs !== undefined && { firstTokenMs }), ...(perTokenMs !== undefined && { perTokenMs }) },
    ...(limits && { limits }),
    ...(defaultLimits && { defaultLimits }),
    ...(outputTokens !== undefined && { meanOutputTokens: outputTokens }),
    ...(apiKey && { apiKeys: apiKey }),
    ...(seed !== undefined && { seed }),
  }
}

function changedRows(table: LimitsTable, own: Limits, named: readonly string[] | undefined): LimitsTable {
  const models = named ?? Object.keys(table)
  return Object.fromEntries(models.map((model) => [model, { ...table[model], ...own }]))
}

function tableOf(models: readonly string[], own: Limits): LimitsTable {
  return Object.fromEntries(models.map((model) => [model, own]))
}
