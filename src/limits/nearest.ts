/** `name` in lower case, letters and digits alone: how it is compared where spelling does not matter. */
export function fold(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/**
 * The one of `candidates` that `name` was probably meant to be, or undefined where none is close. Case and
 * punctuation do not count; of the rest a third of the letters may be wrong. The last part of a name stands for the
 * whole of it.
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const folded = fold(name)
  if (folded === '') return undefined
  const whole = folded.length < 4 ? undefined : candidates.find((candidate) => fold(candidate).endsWith(folded))
  if (whole !== undefined) return whole
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(folded.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(folded, fold(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Letters to insert, drop, change, or swap with their neighbour (optimal string alignment), to make `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let least = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) least = Math.min(least, beforeLast[column - 2]! + 1)
      current.push(least)
    }
    beforeLast = last
    last = current
  }
  return last[b.length]!
}
