/** The nearest whole microsecond. A time that a gate answered in ms comes back as the same one, on an epoch's clock too. */
export function toUs(ms: number): number {
  return Math.round(ms * 1000)
}
