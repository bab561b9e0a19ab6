import { createRequire } from 'node:module'
import Bottleneck from 'bottleneck'
import PQueue from 'p-queue'
import pThrottle from 'p-throttle'
import { createLimiter } from '../src/index.js'
import { MeterGate } from '../src/meter/meter-gate.js'
import { profiles } from '../src/route/profile.js'
import { machine, measure, print, type Subject } from './measure.js'

const ROOMY = { rpm: 1e9, tpm: 1e12 }
const COST = { requests: 1, inputTokens: 100, outputTokens: 100, thinkingTokens: 0 }
const JOBS = 100_000
/** bottleneck takes a hundred times as long a job as the others; its time a job grows with their number. */
const BOTTLENECK_JOBS = 5000

/** Admissions over four limits (RPM, TPM, RPS, TPS) in virtual time, a microsecond apart, with room for each. */
function admission(settles: boolean): Subject {
  const count = 500_000
  return {
    name: settles ? 'admit and settle, 4 limits' : 'admit, 4 limits',
    count,
    run() {
      const limits = { rpm: 60e6, tpm: 15e9, rps: 1e6, tps: 250e6 }
      const gate = new MeterGate({ limits, profile: profiles['model-studio'], jitterMs: 50, idleSince: -1e6 }, 0)
      const used = { ...COST, outputTokens: 80 }
      for (let i = 0; i < count; i++) {
        const admission = gate.admit(COST, i * 0.002)
        if (admission.kind !== undefined) throw new Error('there is room for all')
        if (settles) gate.settle(admission, used, i * 0.002)
      }
    },
  }
}

const noop = (): undefined => undefined

function atOnce(): Subject[] {
  return [
    {
      name: 'headgate schedule',
      count: JOBS,
      async run() {
        const limiter = createLimiter({ limits: { m: ROOMY }, assumeFresh: true })
        const request = { model: 'm', tokens: 100 }
        const jobs = []
        for (let i = 0; i < JOBS; i++) jobs.push(limiter.schedule(request, noop))
        await Promise.all(jobs)
      },
    },
    {
      name: 'p-throttle',
      count: JOBS,
      async run() {
        const throttled = pThrottle({ limit: 1e9, interval: 1000 })(noop)
        const jobs = []
        for (let i = 0; i < JOBS; i++) jobs.push(throttled())
        await Promise.all(jobs)
      },
    },
    {
      name: 'p-queue',
      count: JOBS,
      async run() {
        const queue = new PQueue({ intervalCap: 1e9, interval: 1000, strict: true })
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

const require = createRequire(import.meta.url)
const versions = ['p-throttle', 'p-queue', 'bottleneck'].map((name) => `${name} ${versionOf(name)}`)

function versionOf(name: string): string {
  const path = require.resolve(name).replace(new RegExp(`(node_modules/${name})/.*`), '$1/package.json')
  return (require(path) as { version: string }).version
}

console.log(`${machine()}\nheadgate beside ${versions.join(', ')}; medians of 5 rounds, all in turn in one process`)
print('Admission in a gate', await measure([admission(false), admission(true)]), { 'admit, 4 limits': 1 })
print('No-op jobs at once, with room for all', await measure(atOnce()), { 'headgate schedule': 3 })
process.exit(0)
