/** `name` in lower case, with letters and digits only, for comparisons that ignore spelling. */
export function fold(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/**
 * The candidate that `name` was probably meant to be; undefined if none is close. Case and punctuation do not matter.
 *
 * A candidate is close if at most a third of the letters differ, or if `name` is its end and has at least four letters.
 * Chosen: more differences suggest unrelated names, and fewer miss typos in short ones.
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

/**
 * The distance of two names: how many letters to insert, delete, change, or swap with their neighbours (optimal string
 * alignment).
 */
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
