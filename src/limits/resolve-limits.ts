import { InvalidRequest } from '../errors.js'
import type { Limits, LimitsRow, LimitsTable } from '../types.js'
import { LIMIT_FIELDS, type LimitField } from './limit-fields.js'
import { didYouMean } from './did-you-mean.js'
import { isRetired, pickLimits, validateRow } from './validation.js'

/**
 * What to do with a model that neither the table nor the user gave limits: `'conservative'` = 60 requests and 100,000
 * tokens a minute, `'unlimited'` = none, `'reject'` = `InvalidRequest`.
 */
export type UnknownModel = 'conservative' | 'unlimited' | 'reject'

/** The limits of a model unknown to the table, where `unknownModel` is `'conservative'`. */
export const CONSERVATIVE_LIMITS: Limits = Object.freeze({ rpm: 60, tpm: 100_000 })

/** The limits in force for one model. Each is a finite number, or undefined where it does not bind. */
export type ResolvedLimits = {
  readonly [Field in LimitField]: number | undefined
} & {
  /**
   * Where they come from: the table, the document, its region and its date, such as `'model-studio/singapore: Alibaba
   * Cloud Model Studio, … (international, 2026-02)'`; `'user'` where the user gave any of them, or gave a table that
   * does not say; `'unknown-model'`.
   */
  readonly source: string
  /** When the first of those that were set for a time goes back by itself, in ms since 1970; left out where none was. */
  readonly until?: number
}

/** The answer to "what holds for this model?". */
export interface Resolution {
  readonly limits: ResolvedLimits
  /** The same as `limits.source`. */
  readonly source: string
  /** `'user'` where an override has a say, even in one field. */
  readonly origin: 'table' | 'user' | 'unknown-model'
  /** The table says 0/0: no request may go to this model. `limits` are then those zeros. */
  readonly retired: boolean
  /** What takes what exceeds the limits, as the row says it; left out where nothing does. */
  readonly overflow?: OverflowTarget
}

/** Whose limits hold for what exceeds a model's own, which refuse nothing. */
export interface OverflowTarget {
  /** Empty: it is not known yet. */
  readonly model: string
  readonly maxInputTokens: number
}

/** What the limits of a model follow from. */
export interface ResolveOptions {
  readonly table: LimitsTable
  /** The table's name, where it has one: `limits.source` begins with it. */
  readonly tableName?: string | undefined
  /** The user's limits, validated: they replace those of the table field by field. Infinity lifts one. */
  readonly overrides?: Readonly<Record<string, Limits>> | undefined
  /** @default 'conservative' */
  readonly unknownModel?: UnknownModel | undefined
  /** Whether RPM/60 and TPM/60 hold a second where `rps` and `tps` are left out. @default true */
  readonly perSecond?: boolean | undefined
}

/**
 * The limits in force for `model`: its row in the table, the user's on top, field by field, and those of a second
 * derived.
 *
 * A model that the user alone gave limits has those and no others. An override without any field says nothing. A
 * retired model comes back to life with an override of its `rpm` or `tpm`, and then has the user's limits alone.
 *
 * @throws InvalidLimits if the model's row is not valid: tables of a live source are checked here, row by row
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

/** `base` with each limit that `top` gives in its place. Infinity in `top` lifts a limit, undefined leaves it. */
export function mergeLimits(base: Limits, top: Limits): Limits {
  return { ...pickLimits(base), ...pickLimits(top) }
}

/**
 * `limits` with `rps` = `rpm`/60 and `tps` = `tpm`/60 where they are undefined and `perSecond` is true. One that is
 * given stands, Infinity too, so that a user can lift the second's limit alone. (Model Studio's documents: both also
 * hold a second.)
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
