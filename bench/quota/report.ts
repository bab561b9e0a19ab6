import { isComparedStrictly, rows } from './rows.js'
import type { Outcome } from './outcome.js'

function percent(value: number, width: number): string {
  return (Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : '–').padStart(width)
}

function seconds(ms: number): string {
  return (Number.isFinite(ms) ? `${(ms / 1000).toFixed(1)} s` : '–').padStart(10)
}

export function tableHead(): string {
  return (
    `${'row'.padEnd(28)}${'client'.padEnd(14)}${'done'.padStart(9)}${'429s'.padStart(8)}${'episodes'.padStart(9)}` +
    `${'share'.padStart(9)}${'ceiling'.padStart(9)}${'out err'.padStart(9)}${'covered'.padStart(9)}` +
    `${'wait p50'.padStart(10)}${'p95'.padStart(10)}  goal`
  )
}

export function tableLine(outcome: Outcome): string {
  const { row, client, jobs, done, refusals, episodes, share, ceiling, waitP50Ms, waitP95Ms, missed } = outcome
  const { foresight } = outcome
  const foreseen = foresight ? percent(foresight.error, 9) + percent(foresight.covered, 9) : ''.padStart(18)
  return (
    `${row.padEnd(28)}${client.padEnd(14)}${percent(done / jobs, 9)}${String(refusals).padStart(8)}` +
    `${String(episodes).padStart(9)}${percent(share, 9)}${percent(ceiling, 9)}${foreseen}${seconds(waitP50Ms)}${seconds(waitP95Ms)}` +
    `  ${missed.length === 0 ? 'met' : `missed: ${missed.join(', ')}`}`
  )
}

/** Whether all jobs were done without a 429. */
export function isClean({ jobs, done, refusals }: Outcome): boolean {
  return done === jobs && refusals === 0
}

/** A table of how many rows each client ended clean, and in how many it met the goal. */
export function summary(outcomes: readonly Outcome[]): string {
  const strict = new Set(rows.filter(isComparedStrictly).map(({ name }) => name))
  const clients = [...new Set(outcomes.map(({ client }) => client))]
  const lines = clients.map((client) => {
    const own = outcomes.filter((outcome) => outcome.client === client)
    const compared = own.filter(({ row }) => strict.has(row))
    const of = (part: readonly Outcome[], all: readonly Outcome[]) => `${part.length} of ${all.length}`.padStart(14)
    return (
      client.padEnd(16) +
      of(compared.filter(isClean), compared) +
      of(own.filter(isClean), own) +
      of(
        own.filter(({ missed }) => missed.length === 0),
        own,
      )
    )
  })
  return [
    `rows that ended clean (all jobs done, no 429)`,
    `${''.padEnd(16)}${'strict seconds'.padStart(14)}${'all'.padStart(14)}${'goal met'.padStart(14)}`,
    ...lines,
  ].join('\n')
}
