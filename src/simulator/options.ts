import { systemClock } from '../clock.js'
import type { Clock } from '../clock.js'
import { InvalidLimits, InvalidRequest } from '../errors.js'
import type { Limits, LimitsTable } from '../types.js'
import type { AnswerScript } from './answers.js'
import type { WindowKind } from './counting.js'
import { errorShapes } from './errors.js'
import type { ErrorShape } from './errors.js'
import type { FaultScript } from './faults.js'
import { limitNames } from './throttle.js'
import type { OutputCharging } from './throttle.js'

/** How long answers take. */
export interface Latency {
  /** From the admission to the first token, in milliseconds. @default 20 */
  readonly firstTokenMs?: number
  /** From one token to the next, in milliseconds. @default 0.2 */
  readonly perTokenMs?: number
  /** The part by which both vary from request to request, at most 1: 0.1 draws between 90 % and 110 %. @default 0.1 */
  readonly jitter?: number
}

/**
 * What the simulated service is like. "Documented" is what the vendor says; "a guess" is where the vendor says nothing, so
 * a client should do well under every setting.
 */
export interface SimulatorOptions {
  /**
   * The models that exist and their limits, per exact name, all keys together (documented). `rpm`, `tpm`, `rps` and `tps` are
   * enforced. A row of rpm 0 and tpm 0 is a retired model, and unknown. Left out: every model exists.
   */
  readonly limits?: LimitsTable
  /** The limits of models that `limits` lacks, each its own. Left out: with `limits` they are unknown (404), else unlimited. */
  readonly defaultLimits?: Limits
  /**
   * Whether RPM/60 and TPM/60 hold in each second where a row has no `rps` or `tps` (documented). That a window rounds a
   * fraction of a request up, that each second takes at least one, and that a request with more tokens than a second's
   * passes when nothing else stands there, are guesses. @default true
   */
  readonly perSecond?: boolean
  /** How a minute is counted (a guess). @default 'sliding' */
  readonly minuteWindow?: WindowKind
  /** How a second is counted, `'off'` for not at all (a guess). @default 'sliding' */
  readonly secondWindow?: WindowKind | 'off'
  /** When fixed windows begin after the start of the simulator, in milliseconds. @default 0 */
  readonly windowPhaseMs?: number
  /**
   * When output tokens count (a guess): `'reserved'`: the longest possible output at admission, corrected at the end;
   * `'generated'`: as they are generated; `'completion'`: all at the end. Input always counts at admission.
   * @default 'completion'
   */
  readonly chargesOutput?: OutputCharging
  /** Whether a refused request counts as a request, its tokens not (a guess). @default false */
  readonly countsRejected?: boolean
  /** The longest output in tokens, whatever a request asks for; what is reserved for one that does not say. @default 8192 */
  readonly maxOutputTokens?: number
  /** The mean length of drawn answers, in tokens. @default 120 */
  readonly meanOutputTokens?: number
  /** Tokens in one chunk of a stream; the first chunk has one. @default 8 */
  readonly chunkTokens?: number
  /** What the model says. @default words, of a length drawn around `meanOutputTokens` */
  readonly answer?: AnswerScript
  /** Counts the tokens of a text. A chat counts 10 more. @default UTF-8 bytes / 4, rounded up */
  readonly countTokens?: (text: string) => number
  /** The length of an embedding where the request has no `dimensions`. @default 1024 */
  readonly embeddingDimensions?: number
  readonly latency?: Latency
  /** Which requests go wrong, and how. */
  readonly fail?: FaultScript
  /** The form of the body of a 429 (all were seen); `'seeded'` draws one a request. @default 'openai' */
  readonly errorShape?: ErrorShape | 'seeded'
  /** Draws ids, lengths, latencies and shapes. Requests are numbered as they arrive. @default 1 */
  readonly seed?: number
  /** The keys that are known; any other gets a 401. Left out: none is asked for. */
  readonly apiKeys?: readonly string[]
  /** Bodies above this many bytes get a 413 (documented). @default 16 MiB */
  readonly maxBodyBytes?: number
  /** The time; all delays and windows go through it. @default the machine's */
  readonly clock?: Clock
  /** The wall time at the start, for headers and `created`, in epoch milliseconds. @default Date.now() */
  readonly epochMs?: number
  /** How many requests the ledger keeps one by one; the sums are of all. @default 250_000 */
  readonly ledgerSize?: number
  /** @default 0, a free port */
  readonly port?: number
  /** @default '127.0.0.1' */
  readonly host?: string
}

/** The options with their defaults, checked. */
export interface Settings extends Required<
  Omit<SimulatorOptions, 'limits' | 'defaultLimits' | 'apiKeys' | 'fail' | 'answer' | 'latency'>
> {
  readonly limits: LimitsTable | undefined
  readonly defaultLimits: Limits | undefined
  readonly apiKeys: ReadonlySet<string> | undefined
  readonly fail: FaultScript | undefined
  readonly answer: AnswerScript | undefined
  readonly latency: Required<Latency>
}

const windowKinds = ['fixed', 'sliding', 'bucket'] as const

/**
 * Fills in the defaults.
 *
 * @throws InvalidRequest that names the option and what it may be; InvalidLimits for a row.
 */
export function settingsOf(options: SimulatorOptions): Settings {
  const { latency = {}, limits, defaultLimits, apiKeys } = options
  for (const [model, row] of Object.entries(limits ?? {})) checkLimits(model, row)
  if (defaultLimits !== undefined) checkLimits('defaultLimits', defaultLimits)
  return {
    limits,
    defaultLimits,
    perSecond: options.perSecond ?? true,
    minuteWindow: oneOf('minuteWindow', options.minuteWindow ?? 'sliding', windowKinds),
    secondWindow: oneOf('secondWindow', options.secondWindow ?? 'sliding', [...windowKinds, 'off'] as const),
    windowPhaseMs: number('windowPhaseMs', options.windowPhaseMs ?? 0, -Infinity),
    chargesOutput: oneOf('chargesOutput', options.chargesOutput ?? 'completion', [
      'reserved',
      'generated',
      'completion',
    ] as const),
    countsRejected: options.countsRejected ?? false,
    maxOutputTokens: integer('maxOutputTokens', options.maxOutputTokens ?? 8192, 1),
    meanOutputTokens: number('meanOutputTokens', options.meanOutputTokens ?? 120, 1),
    chunkTokens: integer('chunkTokens', options.chunkTokens ?? 8, 1),
    answer: options.answer,
    countTokens: options.countTokens ?? ((text) => Math.ceil(Buffer.byteLength(text) / 4)),
    embeddingDimensions: integer('embeddingDimensions', options.embeddingDimensions ?? 1024, 1),
    latency: {
      firstTokenMs: number('latency.firstTokenMs', latency.firstTokenMs ?? 20, 0),
      perTokenMs: number('latency.perTokenMs', latency.perTokenMs ?? 0.2, 0),
      jitter: number('latency.jitter', latency.jitter ?? 0.1, 0, 1),
    },
    fail: options.fail,
    errorShape: oneOf('errorShape', options.errorShape ?? 'openai', [...errorShapes, 'seeded'] as const),
    seed: integer('seed', options.seed ?? 1, -Infinity),
    apiKeys: apiKeys === undefined ? undefined : new Set(apiKeys),
    maxBodyBytes: integer('maxBodyBytes', options.maxBodyBytes ?? 16 * 1024 * 1024, 1),
    clock: options.clock ?? systemClock,
    epochMs: number('epochMs', options.epochMs ?? Date.now(), 0),
    ledgerSize: integer('ledgerSize', options.ledgerSize ?? 250_000, 1),
    port: integer('port', options.port ?? 0, 0, 65_535),
    host: options.host ?? '127.0.0.1',
  }
}

/** @throws InvalidLimits that names the row and the field. */
export function checkLimits(name: string, limits: Limits): void {
  if (typeof limits !== 'object' || limits === null) throw new InvalidLimits(`${name}: the limits must be an object`)
  for (const field of limitNames) {
    const value: unknown = limits[field]
    if (value === undefined || (typeof value === 'number' && value >= 0)) continue
    throw new InvalidLimits(`${name}: ${field} must be a number from 0 on, not ${String(value)}`)
  }
}

function number(name: string, value: unknown, min: number, max = Infinity): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max) return value
  const range = min === -Infinity ? '' : max === Infinity ? ` from ${min} on` : ` from ${min} to ${max}`
  throw new InvalidRequest(`simulator option ${name} must be a number${range}, not ${String(value)}`)
}

function integer(name: string, value: unknown, min: number, max = Infinity): number {
  if (Number.isSafeInteger(number(name, value, min, max))) return value as number
  throw new InvalidRequest(`simulator option ${name} must be a whole number, not ${String(value)}`)
}

function oneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value)
  if (found !== undefined) return found
  throw new InvalidRequest(`simulator option ${name} must be one of ${allowed.join(', ')}, not ${String(value)}`)
}
