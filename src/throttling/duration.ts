const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, '': 1000 }

/**
 * A time as services write it, "1s", "6m0s", "120ms" or "1h2m", in ms; a number at the end without a unit is seconds. What
 * stands between is passed over; undefined where there is no time at all.
 */
export function durationMs(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|$)/g)]
  if (parts.length === 0) return undefined
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNITS_MS[unit ?? '']!, 0)
}
