import { fork } from 'node:child_process'
import { once } from 'node:events'
import { allowedSince, mostWithin } from './envelope.js'
import { subjects, type PacingSubject } from './pacing-subjects.js'

/** One period of 1 s + J in the steady state. Lateness is the time since the envelope allowed a start. */
export interface PacingRound {
  /** The starts per second. */
  readonly rate: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly mostMs: number
}

export interface Paced {
  readonly rounds: readonly PacingRound[]
  /** The most starts in any second of the whole run, its beginning included. */
  readonly inSecond: number
  /** The most charges in any 1 s + J, by the times at which the limiter dates them. Undefined if they are unknown. */
  readonly inSpan: number | undefined
}

/** Measures one subject in a child process, so that the heap of an earlier subject cannot delay it. */
export async function pace(index: number): Promise<Paced> {
  const child = fork(new URL(import.meta.url), { execArgv: [] })
  child.send(index)
  const [paced] = (await once(child, 'message')) as [Paced]
  child.kill()
  return paced
}

async function run(subject: PacingSubject): Promise<Paced> {
  const { rate, networkJitterMs, rounds } = subject
  const periodMs = 1000 + networkJitterMs
  // One period more to warm up, and one more in the queue, so that jobs wait until the end.
  const count = Math.ceil(((rounds + 2) * rate * periodMs) / 1000)
  const starts = new Float64Array(count)
  const charges = new Float64Array(count)
  let started = 0
  const beganAt = performance.now()
  subject.submit(count, (chargedAt = NaN) => {
    charges[started] = chargedAt
    starts[started++] = performance.now()
  })
  const endsAt = beganAt + (rounds + 1) * periodMs
  await new Promise((resolve) => setTimeout(resolve, endsAt - performance.now()))
  const all = starts.slice(0, started)
  const allowed = allowedSince(all, { rate, networkJitterMs, emptySince: subject.isPaced ? beganAt : undefined })
  const late = all.map((start, i) => start - allowed[i]!)
  const isDated = !Number.isNaN(charges[0]!)
  const chargesUs = charges.slice(0, started).map((ms) => Math.round(ms * 1000))
  return {
    rounds: Array.from({ length: rounds }, (_, round) => {
      const from = beganAt + (round + 1) * periodMs
      const inRound = late.filter((_, i) => all[i]! >= from && all[i]! < from + periodMs).toSorted()
      const quantile = (share: number) => inRound[Math.floor(share * (inRound.length - 1))] ?? NaN
      const perSecond = (inRound.length * 1000) / periodMs
      return { rate: perSecond, p50Ms: quantile(0.5), p99Ms: quantile(0.99), mostMs: quantile(1) }
    }),
    inSecond: mostWithin(all, 1000),
    inSpan: isDated ? mostWithin(chargesUs, periodMs * 1000) : undefined,
  }
}

// This part runs in the child. The parent sends the index of the subject.
if (process.send !== undefined && process.argv[1] === new URL(import.meta.url).pathname) {
  process.once('message', (index: number) => {
    void run(subjects[index]!).then((paced) => process.send!(paced))
  })
}
