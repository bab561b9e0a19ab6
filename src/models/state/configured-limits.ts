import type { OverflowTarget, Resolution, ResolvedLimits } from '../../limits/resolve-limits.js'
import { withReportedLimits } from '../../limits/reported-limits.js'
import { pickLimits } from '../../limits/validation.js'
import type { Limits, Profile } from '../../types.js'

/** What the limits table, the user and the service say about a model. */
export interface ConfiguredLimits {
  /** What users are shown. */
  readonly limits: ResolvedLimits
  /** The limits of a workspace of its own, beside which the account's hold. @default `limits` */
  readonly own?: Limits | undefined
  /** Whether the table says that the model is retired. */
  readonly retired: boolean
  readonly origin: Resolution['origin']
  /** The model that takes what exceeds the limits. Only the account's limits name one. */
  readonly overflow?: OverflowTarget | undefined
}

/** Looks up what is configured for a model. It throws where that is wrong. */
export type Resolve = (model: string, profile: Profile) => ConfiguredLimits

/** The limits that the model's own gate has to hold. */
export function ownLimits({ limits, own }: ConfiguredLimits): Limits {
  return own ?? pickLimits(limits)
}

/** The same, with what the service's headers say of the limits a minute; undefined: they say nothing. */
export function withReported(configured: ConfiguredLimits, reported: Limits | undefined): ConfiguredLimits {
  if (reported === undefined) return configured
  return { ...configured, limits: withReportedLimits(configured.limits, configured.origin, reported) }
}
