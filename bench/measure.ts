import { createRequire } from 'node:module'
import { cpus } from 'node:os'

/** One thing to measure. `run` does `count` pieces of work and is timed as a whole. */
export interface Subject {
  readonly name: string
  readonly count: number
  run(): Promise<void> | void
}

export interface Measured {
  readonly name: string
  readonly count: number
  /** The median over the rounds, in µs per piece. */
  readonly medianUs: number
  readonly leastUs: number
  readonly mostUs: number
}

/** Times all subjects in turn, for `rounds` rounds. One round before them warms up and does not count. */
export async function measure(subjects: readonly Subject[], rounds = 5): Promise<Measured[]> {
  const times = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const subject of subjects) {
      globalThis.gc?.()
      const start = performance.now()
      await subject.run()
      const us = ((performance.now() - start) * 1000) / subject.count
      if (round > 0) times.get(subject)!.push(us)
    }
  }
  return subjects.map((subject) => {
    const sorted = times.get(subject)!.sort((a, b) => a - b)
    return {
      name: subject.name,
      count: subject.count,
      medianUs: sorted[Math.floor(sorted.length / 2)]!,
      leastUs: sorted[0]!,
      mostUs: sorted.at(-1)!,
    }
  })
}

/** A line that names the machine and the runtime, for the head of a table. */
export function machine(): string {
  const [cpu] = cpus()
  return `Node ${process.versions.node}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpu?.model ?? 'unknown CPU'}`
}

const require = createRequire(import.meta.url)

/** The name and the version of an installed package. */
export function versionOf(name: string): string {
  const path = require.resolve(name).replace(new RegExp(`(node_modules/${name})/.*`), '$1/package.json')
  return `${name} ${(require(path) as { version: string }).version}`
}

export function print(title: string, rows: readonly Measured[], goals: Readonly<Record<string, number>> = {}): void {
  console.log(`\n${title}`)
  console.log(`  ${'µs each, median'.padStart(50)} ${'min – max'.padStart(20)} ${'goal'.padStart(9)}`)
  for (const row of rows) {
    const goal = goals[row.name]
    const range = `${row.leastUs.toFixed(3)} – ${row.mostUs.toFixed(3)}`
    const verdict = goal === undefined ? '' : `≤ ${goal}`
    const name = `${row.name} (${row.count.toLocaleString('en')})`
    console.log(
      `  ${name.padEnd(38)} ${row.medianUs.toFixed(3).padStart(11)} ${range.padStart(20)} ${verdict.padStart(9)}`,
    )
  }
}
