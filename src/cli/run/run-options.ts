import { rampUp, type RampSettings, type RampUp } from '../../batch/run/ramp-up.js'
import { DEFAULT_BASE_URL } from '../../batch/run/run-batch.js'
import { DEFAULT_TABLE } from '../../limits/built-in-tables.js'
import { type BuiltInTableName, builtInTables } from '../../limits/index.js'
import { createLimiter, type Limiter } from '../../limiter.js'
import { UsageError } from '../exit-codes.js'
import { limitsTable } from '../limits/limits-table.js'
import { ownLimits } from '../plan/plan-options.js'
import { RAMP_SECONDS, rampFor } from './ramp-flag.js'
import type { Moment } from './moment.js'

/** The options of `headgate run`, as they are read. */
export interface RunFlags {
  readonly output: string
  readonly errors?: string
  readonly model?: string
  readonly baseUrl: string
  readonly apiKeyEnv?: string
  readonly limits?: string
  readonly prices?: string
  readonly rpm?: number
  readonly tpm?: number
  readonly fallback?: readonly string[]
  readonly concurrency?: number
  readonly maxAttempts?: number
  readonly timeout?: number
  /** Seconds. */
  readonly rampUp?: number
  readonly networkJitterMs?: number
  readonly tenant?: string
  readonly retryErrors?: true
  readonly strict?: true
  readonly dryRun?: true
  readonly startAt?: Moment
  readonly until?: Moment
  readonly via?: 'live' | 'batch-api'
  readonly completionWindow?: string
  readonly cancel?: true
  readonly quiet?: true
  readonly json?: true
}

export { DEFAULT_BASE_URL }

const MODEL_STUDIO = /(^|\.)aliyuncs\.com$/

/** The environment variables of API keys, by host. A key is never sent to another host. */
const KEYS: readonly (readonly [host: RegExp, name: string])[] = [
  [MODEL_STUDIO, 'DASHSCOPE_API_KEY'],
  [/(^|\.)openai\.com$/, 'OPENAI_API_KEY'],
]
const OTHER_KEY = 'HEADGATE_API_KEY'

/**
 * Returns the API key of the service from the environment. Undefined for a local server without a key.
 *
 * @throws UsageError
 */
export function apiKeyOf(flags: RunFlags, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const host = hostOf(flags.baseUrl)
  const name = flags.apiKeyEnv ?? KEYS.find(([hosts]) => hosts.test(host))?.[1] ?? OTHER_KEY
  const key = env[name]?.trim()
  if (key !== undefined && key !== '') return key
  // Of a base URL that is none the run itself tells.
  if ((host === '' || isLocal(host)) && flags.apiKeyEnv === undefined) return undefined
  throw new UsageError(`the environment has no ${name}: put the API key there, or name its variable with --api-key-env`)
}

/** A limiter configured by the flags, and its slow start. */
export interface RunLimiter {
  readonly limiter: Limiter
  readonly onModel: (model: string) => void
  /** The slow start. Undefined if the run starts at the full quota. */
  readonly ramp: RampSettings | undefined
  /** Whether the slow start still lowers the limits of a model. */
  isRamping(): boolean
  /** Cancels all timers. */
  stop(): void
}

/** @throws UsageError, InvalidLimits */
export async function limiterOf(flags: RunFlags): Promise<RunLimiter> {
  const { fallback, limits: named = DEFAULT_TABLE } = flags
  const own = ownLimits(flags)
  // Looked up for each request: which models there are the lines tell.
  const fallbacks: Record<string, readonly string[]> = {}
  const limits = Object.hasOwn(builtInTables, named) ? (named as BuiltInTableName) : await limitsTable(named)
  const limiter = createLimiter({ limits, fallback: fallbacks, networkJitterMs: jitterOf(flags) })
  const limited = new Set<string>()
  const limit = (model: string): void => {
    if (limited.has(model) || Object.keys(own).length === 0) return
    limited.add(model)
    limiter.setLimits(model, own)
  }
  for (const backup of fallback ?? []) limit(backup)
  const ramp = rampOf(flags)
  const ramps: RampUp[] = []
  return {
    limiter,
    ramp,
    isRamping: () => ramps.some(({ isOver }) => !isOver),
    onModel(model) {
      limit(model)
      if (fallback !== undefined) fallbacks[model] = fallback.filter((backup) => backup !== model)
      if (ramp !== undefined) ramps.push(rampUp(limiter, model, ramp))
    },
    stop() {
      for (const each of ramps) each.stop()
    },
  }
}

/** By itself, where the service is Model Studio or a server on this machine that is like it. */
export function rampOf({ rampUp: seconds, baseUrl }: Pick<RunFlags, 'rampUp' | 'baseUrl'>): RampSettings | undefined {
  const host = hostOf(baseUrl)
  return rampFor(seconds ?? (isLocal(host) || MODEL_STUDIO.test(host) ? RAMP_SECONDS : 0))
}

/** Client and service that share a machine's cores delay each other by more than two machines do, and seldom: none learns that. */
const LOCAL_JITTER_MS = 75

/** Returns the configured J, in ms, or undefined if the limiter learns it. */
export function jitterOf({
  networkJitterMs,
  baseUrl,
}: Pick<RunFlags, 'networkJitterMs' | 'baseUrl'>): number | undefined {
  return networkJitterMs ?? (isLocal(hostOf(baseUrl)) ? LOCAL_JITTER_MS : undefined)
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : ''
}

function isLocal(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host)
}

/**
 * Returns the times at which a run starts and at which it stops sending lines.
 *
 * @throws UsageError for times that have passed, or are the wrong way round
 */
export function timesOf(
  { startAt, until }: RunFlags,
  now: Date,
): { startAt: Date | undefined; until: Date | undefined } {
  const start = startAt?.(now)
  const end = until?.(start ?? now)
  if (end !== undefined && end <= (start ?? now)) {
    throw new UsageError(`--until ${end.toISOString()} is ${end <= now ? 'over' : 'before --start-at'}`)
  }
  return { startAt: start, until: end }
}

/** Reads `A,B`. */
export function listOf(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
