/**
 * What a load costs by its scale x: `perScale` · x, and `perStep` for each `stepScale` begun. A cost that the load does not
 * change is one step without end.
 */
export interface ScaledCost {
  readonly perScale: number
  readonly perStep: number
  readonly stepScale: number
}

/** A range of scales in which one of several costs is the least: above `from`, up to and with `to`. */
export interface CheapestRange {
  readonly from: number
  readonly to: number
  /** Which of them. */
  readonly index: number
}

/** Costs are not looked at beyond so many steps of one of them. */
const MAX_STEPS = 10_000

/** What `cost` is at a scale above 0. */
export function costAtScale({ perScale, perStep, stepScale }: ScaledCost, scale: number): number {
  return perScale * scale + (perStep === 0 ? 0 : perStep * stepsAt(scale, stepScale))
}

/**
 * Which of `costs` is the least at which scale, from 0 to `upTo`, exactly: between two steps all of them are straight lines.
 * Of equal ones it is the first. None where there are no costs.
 */
export function cheapestRanges(costs: readonly ScaledCost[], upTo: number): CheapestRange[] {
  const ranges: CheapestRange[] = []
  if (costs.length === 0) return ranges
  let from = 0
  for (const to of stepEnds(costs, Math.min(upTo, ...costs.map(lastScale)))) {
    // Within (from, to] no step begins.
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

/** The least line right after `at`: of those equal there the flattest. */
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

/** Where another line becomes less than that of `best`, before `to`. */
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

/** Neighbours of one kind are one range. */
function push(ranges: CheapestRange[], range: CheapestRange): void {
  const last = ranges.at(-1)
  if (last?.index === range.index) ranges[ranges.length - 1] = { ...last, to: range.to }
  else if (range.to > range.from) ranges.push(range)
}
