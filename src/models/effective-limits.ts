import type { OverflowTarget, Resolution, ResolvedLimits } from '../limits/resolve-limits.js'
import { pickLimits } from '../limits/validation.js'
import type { Limits, Profile } from '../types.js'

/** What holds for a model, as it was told. */
export interface EffectiveLimits {
  /** What users are shown. */
  readonly limits: ResolvedLimits
  /** The limits of a workspace of its own, beside which the account's hold. @default `limits` */
  readonly own?: Limits | undefined
  /** Whether the table says that it is retired. */
  readonly retired: boolean
  readonly origin: Resolution['origin']
  /** What takes what exceeds the limits. Of a workspace it is the account's to say. */
  readonly overflow?: OverflowTarget | undefined
}

export type Resolve = (model: string, profile: Profile) => EffectiveLimits

/** The limits that a gate of its own has to hold. */
export function ownLimits({ limits, own }: EffectiveLimits): Limits {
  return own ?? pickLimits(limits)
}
