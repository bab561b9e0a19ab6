const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, '': 1000 }

/**
 * A duration in ms, from the forms that services write: "1s", "6m0s", "120ms", "1h2m". A last number without a unit is seconds.
 * Other text is ignored. Undefined if there is no duration.
 */
export function durationMs(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|$)/g)]
  if (parts.length === 0) return undefined
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNITS_MS[unit ?? '']!, 0)
}
