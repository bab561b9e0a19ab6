import type { Limits } from '../../types.js'

/** The limits that the simulator enforces, in the order in which it checks them. */
export const limitNames = ['rpm', 'rps', 'concurrency', 'tpm', 'tps', 'inputTpm', 'outputTpm', 'thinkingTpm'] as const

export type LimitName = (typeof limitNames)[number]

/** Whether the limits per minute also apply to each second: all of them, the limit on requests only, or none. */
export type PerSecond = boolean | 'requests'

/** The limits of a row, with the limits per second that follow from it. Infinity for a limit that it does not have. */
export function enforcedLimits(limits: Limits, perSecond: PerSecond): Record<LimitName, number> {
  const { rpm = Infinity, tpm = Infinity, inputTpm = Infinity, outputTpm = Infinity } = limits
  const { rps = perSecond === false ? Infinity : rpm / 60, tps = perSecond === true ? tpm / 60 : Infinity } = limits
  const { thinkingTpm = Infinity, concurrency = Infinity } = limits
  return { rpm, rps, concurrency, tpm, tps, inputTpm, outputTpm, thinkingTpm }
}

/** The quantity that a limit counts. */
export function measureOf(name: LimitName): 'requests' | 'tokens' | 'input' | 'output' | 'thinking' | 'in flight' {
  if (name === 'tpm' || name === 'tps') return 'tokens'
  if (name === 'inputTpm') return 'input'
  if (name === 'outputTpm') return 'output'
  if (name === 'thinkingTpm') return 'thinking'
  return name === 'concurrency' ? 'in flight' : 'requests'
}

/** Whether the limit applies to a second. */
export function isPerSecond(name: LimitName): boolean {
  return name === 'rps' || name === 'tps'
}
