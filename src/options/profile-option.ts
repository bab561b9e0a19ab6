import { InvalidRequest } from '../errors.js'
import { profiles, type ProfileName } from '../throttling/profiles.js'
import type { Profile, WindowKind } from '../types.js'

const WINDOW_KINDS: readonly WindowKind[] = ['unknown', 'fixed', 'sliding', 'bucket', 'counter']
const PROFILE_VALUES: Readonly<Record<Exclude<keyof Profile, 'name'>, readonly unknown[]>> = {
  minuteWindow: WINDOW_KINDS,
  secondWindow: WINDOW_KINDS,
  windowPhase: [undefined, 'clock'],
  perSecond: [true, false],
  rejectedCost: [0, 1],
  insufficientQuota: ['tokens', 'billing'],
  outputAccounting: [undefined, 'reserved', 'generated', 'completion', 'learn'],
}

/**
 * The profile that the option names or contains; undefined if the option is missing.
 *
 * @throws InvalidRequest for an unknown name or a wrong field
 */
export function profileOption(profile: ProfileName | Profile | undefined): Profile | undefined {
  if (profile === undefined) return undefined
  if (typeof profile === 'string' && Object.hasOwn(profiles, profile)) return profiles[profile]
  if (typeof profile !== 'object' || profile === null) {
    const shown = typeof profile === 'string' ? `'${profile}'` : String(profile)
    throw new InvalidRequest(`profile is ${shown}: give one of ${Object.keys(profiles).join(', ')}, or a Profile`)
  }
  for (const [field, values] of Object.entries(PROFILE_VALUES)) {
    const value: unknown = profile[field as keyof Profile]
    if (!values.includes(value))
      throw new InvalidRequest(
        `profile.${field} is ${String(value)}: give one of ${values.filter((known) => known !== undefined).join(', ')}`,
      )
  }
  return profile
}
