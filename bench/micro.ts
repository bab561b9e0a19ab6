import Bottleneck from 'bottleneck'
import { RateLimiter } from 'limiter'
import PQueue from 'p-queue'
import pThrottle from 'p-throttle'
import { createLimiter } from '../src/index.js'
import { ModelGate } from '../src/quota/model-gate.js'
import { profiles } from '../src/throttling/profiles.js'
import type { Limits } from '../src/types.js'
import { machine, measure, print, versionOf, type Subject } from './measure.js'

const ROOMY = { rpm: 1e9, tpm: 1e12 }
const COST = { requests: 1, inputTokens: 100, outputTokens: 100, thinkingTokens: 0 }
const JOBS = 100_000
/**
 * Fewer jobs for bottleneck. Measured: it takes a hundred times as long per job as the others, and its time per job
 * grows with the number of jobs.
 */
const BOTTLENECK_JOBS = 5000

const FOUR = { rpm: 60e6, tpm: 15e9, rps: 1e6, tps: 250e6 }
const SIX = { ...FOUR, inputTpm: 10e9, outputTpm: 10e9 }

/** Admissions in virtual time, two microseconds apart. The gate has room for all of them. */
function admission(limits: Limits, settles: boolean): Subject {
  const count = 500_000
  const name = `admit${settles ? ' and settle' : ''}, ${Object.keys(limits).length} limits`
  return {
    name,
    count,
    run() {
      const gate = new ModelGate({ limits, profile: profiles['model-studio'], networkJitterMs: 50, idleSince: -1e6 }, 0)
      const used = { ...COST, outputTokens: 80 }
      for (let i = 0; i < count; i++) {
        const admission = gate.admit(COST, i * 0.002)
        if (admission.kind !== undefined) throw new Error('the gate refused a job although it has room for all')
        if (settles) gate.settle(admission, used, i * 0.002)
      }
    },
  }
}

const noop = (): undefined => undefined

/** One instance of each library for all rounds, as in a program. Each has room for all jobs. */
function instances() {
  return {
    limiter: createLimiter({ limits: { m: ROOMY }, startFull: true }),
    request: { model: 'm', tokens: 100 },
    throttled: pThrottle({ limit: 1e9, interval: 1000 })<() => unknown>(noop),
    rateLimiter: new RateLimiter({ tokensPerInterval: 1e9, interval: 1000 }),
    queue: new PQueue({ intervalCap: 1e9, interval: 1000, strict: true }),
  }
}

function atOnce(): Subject[] {
  const { limiter, request, throttled, rateLimiter, queue } = instances()
  return [
    {
      name: 'headgate schedule',
      count: JOBS,
      async run() {
        const jobs = []
        for (let i = 0; i < JOBS; i++) jobs.push(limiter.schedule(request, noop))
        await Promise.all(jobs)
      },
    },
    {
      name: 'p-throttle',
      count: JOBS,
      async run() {
        const jobs = []
        for (let i = 0; i < JOBS; i++) jobs.push(throttled())
        await Promise.all(jobs)
      },
    },
    {
      name: 'limiter',
      count: JOBS,
      async run() {
        const jobs = []
        for (let i = 0; i < JOBS; i++) jobs.push(rateLimiter.removeTokens(1).then(noop))
        await Promise.all(jobs)
      },
    },
    {
      name: 'p-queue',
      count: JOBS,
      async run() {
        const jobs = []
        for (let i = 0; i < JOBS; i++) jobs.push(queue.add(noop))
        await Promise.all(jobs)
      },
    },
    {
      name: 'bottleneck',
      count: BOTTLENECK_JOBS,
      async run() {
        const limiter = new Bottleneck({
          reservoir: 1e9,
          reservoirRefreshAmount: 1e9,
          reservoirRefreshInterval: 60_000,
        })
        const jobs = []
        for (let i = 0; i < BOTTLENECK_JOBS; i++) jobs.push(limiter.schedule(async () => {}))
        await Promise.all(jobs)
        await limiter.disconnect()
      },
    },
  ]
}

/** The same jobs, each awaited before the next is created. */
function oneByOne(): Subject[] {
  const count = 50_000
  const { limiter, request, throttled, rateLimiter, queue } = instances()
  return [
    {
      name: 'headgate schedule',
      count,
      async run() {
        for (let i = 0; i < count; i++) await limiter.schedule(request, noop)
      },
    },
    {
      name: 'p-throttle',
      count,
      async run() {
        for (let i = 0; i < count; i++) await throttled()
      },
    },
    {
      name: 'limiter',
      count,
      async run() {
        for (let i = 0; i < count; i++) await rateLimiter.removeTokens(1).then(noop)
      },
    },
    {
      name: 'p-queue',
      count,
      async run() {
        for (let i = 0; i < count; i++) await queue.add(noop)
      },
    },
  ]
}

/**
 * Queues `count` jobs while the limiter is paused, then runs them. Returns the time per job, and the heap per waiting
 * job.
 */
async function waiting(count: number): Promise<{ us: number; bytes: number }> {
  const limiter = createLimiter({ limits: { m: ROOMY }, startFull: true })
  const request = { model: 'm', tokens: 1 }
  limiter.pause()
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  const start = performance.now()
  for (let i = 0; i < count; i++) void limiter.schedule(request, noop)
  const taken = performance.now()
  globalThis.gc?.()
  const bytes = (process.memoryUsage().heapUsed - before) / count
  const collected = performance.now()
  limiter.resume()
  await limiter.drain()
  return { us: ((taken - start + (performance.now() - collected)) * 1000) / count, bytes }
}

/** The heap per waiting job of the other libraries. Each has used up its quota for longer than this test takes. */
function waitingAtPeers(): { name: string; bytes: number }[] {
  const count = 100_000
  const throttled = pThrottle({ limit: 1, interval: 3_600_000 })(noop)
  const limiter = new RateLimiter({ tokensPerInterval: 1, interval: 3_600_000 })
  const queue = new PQueue({ intervalCap: 1, interval: 3_600_000, strict: true })
  const peers = {
    'p-throttle': () => throttled(),
    limiter: () => limiter.removeTokens(1).then(noop),
    'p-queue': () => queue.add(noop),
  }
  return Object.entries(peers).map(([name, add]) => {
    void add()
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < count; i++) void add()
    globalThis.gc?.()
    return { name, bytes: (process.memoryUsage().heapUsed - before) / count }
  })
}

async function printWaiting(): Promise<void> {
  const rounds = async (count: number) => {
    const each: { us: number; bytes: number }[] = []
    for (let round = 0; round < 3; round++) each.push(await waiting(count))
    return each.toSorted((a, b) => a.us - b.us)[1]!
  }
  await waiting(1000)
  const few = await rounds(1000)
  const many = await rounds(1_000_000)
  console.log(`\nWaiting jobs, medians of 3 rounds`)
  console.log(`  per job, 1,000 waiting               ${few.us.toFixed(2).padStart(8)} µs`)
  console.log(
    `  per job, 1,000,000 waiting           ${many.us.toFixed(2).padStart(8)} µs, ${(many.us / few.us).toFixed(1)} × (goal ≤ 2.5)`,
  )
  console.log(`  heap per job, 1,000,000 waiting      ${many.bytes.toFixed(0).padStart(8)} bytes (goal ≤ 450)`)
  for (const { name, bytes } of waitingAtPeers()) {
    console.log(`  ${`${name}, 100,000 waiting`.padEnd(36)} ${bytes.toFixed(0).padStart(8)} bytes`)
  }
}

const versions = ['p-throttle', 'limiter', 'p-queue', 'bottleneck'].map(versionOf)
console.log(`${machine()}\nheadgate and ${versions.join(', ')}; medians of 5 rounds, taking turns in one process`)
print('Admission in a gate', await measure([admission(FOUR, false), admission(FOUR, true), admission(SIX, false)]), {
  'admit, 4 limits': 1,
  'admit, 6 limits': 0.3,
})
print('No-op jobs at once, with room for all', await measure(atOnce()), { 'headgate schedule': 0.9 })
print('No-op jobs awaited one by one', await measure(oneByOne()), { 'headgate schedule': 0.9 })
await printWaiting()
process.exit(0)
