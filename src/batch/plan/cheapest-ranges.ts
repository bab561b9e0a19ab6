/**
 * The cost of a load at scale x: `perScale` · x, plus `perStep` for each `stepScale` begun. A constant cost is one infinite
 * step.
 */
export interface ScaledCost {
  readonly perScale: number
  readonly perStep: number
  readonly stepScale: number
}

/** A range of scales in which one cost is the lowest: above `from`, up to and including `to`. */
export interface CheapestRange {
  readonly from: number
  readonly to: number
  /** The index of that cost. */
  readonly index: number
}

/**
 * Maximum number of steps of one cost that are compared. Chosen.
 * A larger value takes more time for tiny steps. A smaller value ends the comparison at a lower scale.
 */
const MAX_STEPS = 10_000

/** Returns the cost at a scale above 0. */
export function costAtScale({ perScale, perStep, stepScale }: ScaledCost, scale: number): number {
  return perScale * scale + (perStep === 0 ? 0 : perStep * stepsAt(scale, stepScale))
}

/**
 * Returns the ranges in which each cost is the lowest, from 0 to `upTo`. The result is exact, because all costs are straight
 * lines between two steps. The first of equal costs wins. Without costs, the result is empty.
 */
export function cheapestRanges(costs: readonly ScaledCost[], upTo: number): CheapestRange[] {
  const ranges: CheapestRange[] = []
  if (costs.length === 0) return ranges
  let from = 0
  for (const to of stepEnds(costs, Math.min(upTo, ...costs.map(lastScale)))) {
    // No step begins within (from, to].
    const lines = costs.map((cost) => lineIn(cost, from, to))
    let at = from
    let best = cheapestAfter(lines, at)
    for (;;) {
      const next = crossing(lines, best, at, to)
      push(ranges, { from: at, to: next?.at ?? to, index: best })
      if (next === undefined) break
      at = next.at
      best = next.index
    }
    from = to
  }
  return ranges
}

interface Line {
  readonly slope: number
  readonly base: number
}

function stepsAt(scale: number, stepScale: number): number {
  return stepScale === Infinity ? 1 : Math.max(1, Math.ceil(scale / stepScale - 1e-9))
}

function lastScale({ perStep, stepScale }: ScaledCost): number {
  return perStep === 0 ? Infinity : MAX_STEPS * stepScale
}

function stepEnds(costs: readonly ScaledCost[], upTo: number): number[] {
  const ends = new Set([upTo])
  for (const { perStep, stepScale } of costs) {
    if (perStep === 0 || stepScale === Infinity) continue
    for (let step = 1; step * stepScale < upTo; step++) ends.add(step * stepScale)
  }
  return [...ends].sort((a, b) => a - b)
}

function lineIn({ perScale, perStep, stepScale }: ScaledCost, from: number, to: number): Line {
  return { slope: perScale, base: perStep === 0 ? 0 : perStep * stepsAt((from + to) / 2, stepScale) }
}

/** Returns the lowest line just after `at`. Of equal lines, the flattest wins. */
function cheapestAfter(lines: readonly Line[], at: number): number {
  let best = -1
  for (const [index, line] of lines.entries()) {
    if (best === -1 || isLess(line, lines[best]!, at)) best = index
  }
  return best
}

function isLess(a: Line, b: Line, at: number): boolean {
  const difference = a.slope * at + a.base - (b.slope * at + b.base)
  return difference < -1e-9 || (difference <= 1e-9 && a.slope < b.slope)
}

/** Returns the point before `to` where another line falls below the line `best`. */
function crossing(
  lines: readonly Line[],
  best: number,
  from: number,
  to: number,
): { at: number; index: number } | undefined {
  const own = lines[best]!
  let first: { at: number; index: number } | undefined
  for (const [index, line] of lines.entries()) {
    if (line.slope >= own.slope) continue
    const at = (line.base - own.base) / (own.slope - line.slope)
    if (at <= from || at >= to) continue
    const isFirst = first === undefined || at < first.at || (at === first.at && line.slope < lines[first.index]!.slope)
    if (isFirst) first = { at, index }
  }
  return first
}

/** Appends a range. It merges neighbours with the same index. */
function push(ranges: CheapestRange[], range: CheapestRange): void {
  const last = ranges.at(-1)
  if (last?.index === range.index) ranges[ranges.length - 1] = { ...last, to: range.to }
  else if (range.to > range.from) ranges.push(range)
}
