import { InvalidRequest } from '../errors.js'
import type { Limits, LimitsRow, LimitsTable } from '../types.js'
import { LIMIT_FIELDS, type LimitField } from './limit-fields.js'
import { didYouMean } from './did-you-mean.js'
import { isRetired, pickLimits, validateRow } from './validation.js'

/**
 * The limits of a model that neither the table nor the user names: `'conservative'` means 60 requests and 100,000
 * tokens per minute, `'unlimited'` none, and `'reject'` an `InvalidRequest` error.
 */
export type UnknownModel = 'conservative' | 'unlimited' | 'reject'

/**
 * The limits of an unknown model if `unknownModel` is `'conservative'`. Chosen: the row of most snapshot models in Model
 * Studio's table of 2025. Larger: an unknown model may get 429s. Smaller: its requests wait longer than they need to.
 */
export const CONSERVATIVE_LIMITS: Limits = Object.freeze({ rpm: 60, tpm: 100_000 })

/** The effective limits of one model. Each is a finite number, or undefined if it does not bind. */
export type ResolvedLimits = {
  readonly [Field in LimitField]: number | undefined
} & {
  /**
   * Where the limits come from: the table, the document, its region and its date, such as `'model-studio/singapore:
   * Alibaba Cloud Model Studio, … (international, 2026-02)'`. `'user'` if the user set any of them, or gave a table
   * that does not name its source. `'unknown-model'` if neither names the model.
   */
  readonly source: string
  /** When the first of the temporary limits ends, in ms since 1970; left out if none is set. */
  readonly until?: number
}

/** The result of {@link resolveLimits}. */
export interface Resolution {
  readonly limits: ResolvedLimits
  /** The same as `limits.source`. */
  readonly source: string
  /** `'user'` if an override sets even one field. */
  readonly origin: 'table' | 'user' | 'unknown-model'
  /** Whether the table retires the model with limits of 0/0. No request may go to it, and `limits` has those zeros. */
  readonly retired: boolean
  /** The model whose limits apply to what exceeds these, as the row says; left out if there is none. */
  readonly overflow?: OverflowTarget
}

/** The model whose limits apply to requests above a provisioned throughput. */
export interface OverflowTarget {
  /** The name of the model; empty if it is not known yet. */
  readonly model: string
  readonly maxInputTokens: number
}

/** The inputs of {@link resolveLimits}. */
export interface ResolveOptions {
  readonly table: LimitsTable
  /** The name of the table; `limits.source` begins with it. */
  readonly tableName?: string | undefined
  /**
   * The user's limits by model, already validated. They replace those of the table field by field; Infinity lifts one.
   */
  readonly overrides?: Readonly<Record<string, Limits>> | undefined
  /** The limits of models that neither the table nor the overrides name. @default 'conservative' */
  readonly unknownModel?: UnknownModel | undefined
  /** Whether RPM/60 and TPM/60 hold per second if `rps` and `tps` are left out. @default true */
  readonly perSecond?: boolean | undefined
}

/**
 * The effective limits of `model`: its row of the table, overridden field by field by the user's limits, with the
 * limits per second derived.
 *
 * A model that only the user names has the user's limits and no others. An override without fields has no effect. An
 * override of `rpm` or `tpm` revives a retired model, which then has the user's limits alone.
 *
 * @throws InvalidLimits if the model's row is not valid; the tables of a live source are checked here, row by row
 * @throws InvalidRequest if the model is unknown and `unknownModel` is `'reject'`
 */
export function resolveLimits(model: string, options: ResolveOptions): Resolution {
  const { table, tableName } = options
  const row = Object.hasOwn(table, model) ? validateRow(model, table[model], tableName) : undefined
  const resolved = resolveRow(model, row, options)
  if (row?.overflowsTo === undefined) return resolved
  return { ...resolved, overflow: { model: row.overflowsTo, maxInputTokens: row.maxInputTokens ?? Infinity } }
}

function resolveRow(model: string, row: LimitsRow | undefined, options: ResolveOptions): Resolution {
  const { table, tableName, overrides = {}, unknownModel = 'conservative', perSecond = true } = options
  const override = Object.hasOwn(overrides, model) ? pickLimits(overrides[model]!) : {}
  const overridden = Object.keys(override).length > 0
  const retired = row !== undefined && isRetired(row)
  if (retired && override.rpm === undefined && override.tpm === undefined) {
    return resolution(row, describe(row, tableName), 'table', true)
  }
  if (overridden) {
    const base = row === undefined || retired ? {} : row
    return resolution(withPerSecond(mergeLimits(base, override), perSecond), 'user', 'user')
  }
  if (row !== undefined) return resolution(withPerSecond(row, perSecond), describe(row, tableName), 'table')
  if (unknownModel === 'reject') throw unknown(model, table, tableName)
  const limits = unknownModel === 'unlimited' ? {} : CONSERVATIVE_LIMITS
  return resolution(withPerSecond(limits, perSecond), 'unknown-model', 'unknown-model')
}

/**
 * The limits of `base`, each replaced by that of `top` if it has one. Infinity in `top` lifts a limit; undefined leaves
 * it.
 */
export function mergeLimits(base: Limits, top: Limits): Limits {
  return { ...pickLimits(base), ...pickLimits(top) }
}

/**
 * `limits` with `rps` = `rpm`/60 and `tps` = `tpm`/60, if `perSecond` is true and they are undefined. A given value
 * stays, Infinity too, so a user can lift a limit per second alone. Documented by Model Studio: both limits hold per
 * second as well.
 */
export function withPerSecond(limits: Limits, perSecond: boolean): Limits {
  const { rpm, tpm, rps, tps } = limits
  return {
    ...limits,
    ...(perSecond && rps === undefined && rpm !== undefined && { rps: rpm / 60 }),
    ...(perSecond && tps === undefined && tpm !== undefined && { tps: tpm / 60 }),
  }
}

function resolution(limits: Limits, source: string, origin: Resolution['origin'], retired = false): Resolution {
  const inForce = LIMIT_FIELDS.map((field) => [field, limits[field] === Infinity ? undefined : limits[field]])
  return { limits: { ...Object.fromEntries(inForce), source } as ResolvedLimits, source, origin, retired }
}

function describe(row: LimitsRow, tableName: string | undefined): string {
  const placeAndTime = [row.region, row.date].filter(Boolean).join(', ')
  const document = [row.source, placeAndTime && `(${placeAndTime})`].filter(Boolean).join(' ')
  return [tableName, document].filter(Boolean).join(': ') || 'user'
}

function unknown(model: string, table: LimitsTable, tableName: string | undefined): InvalidRequest {
  const where = tableName === undefined ? 'the limits table' : `the limits table '${tableName}'`
  const hint = didYouMean(model, Object.keys(table))
  return new InvalidRequest(
    `Model '${model}' is not in ${where}, and unknownModel is 'reject'.${hint} Otherwise give its limits in overrides.`,
  )
}
