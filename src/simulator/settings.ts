import { systemClock } from '../clock.js'
import { InvalidLimits, InvalidRequest } from '../errors.js'
import { builtInTables } from '../limits/index.js'
import type { LimitsTable } from '../types.js'
import { checkLimits, checkTable, checkWorkspace, integer, number, oneOf } from './checks.js'
import { services } from './errors/dialects.js'
import { stateKinds } from './errors/states.js'
import type { AccountState } from './errors/states.js'
import { errorShapes } from './errors/throttling.js'
import { faultNames } from './faults/rates.js'
import type { FaultRates } from './faults/rates.js'
import type { SurgeOptions } from './metering/surge.js'
import type { Latency } from './options/answers.js'
import type { SimulatorOptions } from './options/options.js'
import { batchSettings, controlPlaneSettings } from './plane-settings.js'
import type { BatchSettings, ControlPlaneSettings } from './plane-settings.js'

type Optional = 'defaultLimits' | 'fail' | 'failOthers' | 'faultRates' | 'answer' | 'state'
type Shaped = 'limits' | 'surge' | 'apiKeys' | 'latency' | 'controlPlane' | 'batch'

/** The options with their defaults, checked. */
export interface Settings
  extends Required<Omit<SimulatorOptions, Optional | Shaped>>, Pick<SimulatorOptions, Optional> {
  readonly limits: LimitsTable | undefined
  readonly surge: (Required<Omit<SurgeOptions, 'minimum'>> & Pick<SurgeOptions, 'minimum'>) | undefined
  readonly apiKeys: ReadonlySet<string> | undefined
  readonly latency: Required<Latency>
  readonly controlPlane: ControlPlaneSettings
  readonly batch: BatchSettings
}

const windowKinds = ['fixed', 'sliding', 'bucket'] as const
const THINKING_MODEL = /^(?:qwq|qvq)|-r1\b|-thinking/i

/**
 * Fills in the defaults.
 *
 * @throws InvalidRequest that names the option and what it may be; InvalidLimits for a row.
 */
export function settingsOf(options: SimulatorOptions): Settings {
  const { latency = {}, defaultLimits, apiKeys, state, modelStates = {}, floors = {}, faultRates } = options
  const limits = tableOf(options.limits)
  if (defaultLimits !== undefined) checkLimits('defaultLimits', defaultLimits)
  for (const [workspace, table] of Object.entries(options.workspaces ?? {})) {
    for (const [model, row] of Object.entries(table)) {
      checkWorkspace(workspace, model, row, limits?.[model] ?? defaultLimits)
    }
  }
  for (const [model, bought] of Object.entries(options.provisioned ?? {})) {
    checkLimits(`provisioned ${model}`, bought)
    for (const field of ['inputTpm', 'outputTpm'] as const) {
      if (bought[field] === undefined) throw new InvalidLimits(`provisioned ${model}: ${field} is missing`)
    }
  }
  for (const [model, { spare = 0.5 }] of Object.entries(floors)) {
    if (typeof spare !== 'function') number(`floors.${model}.spare`, spare, 0, 1)
  }
  for (const { afterMs, model, limits } of options.limitChanges ?? []) {
    number('limitChanges.afterMs', afterMs, 0)
    checkLimits(`limitChanges ${model}`, limits)
  }
  if (state !== undefined) checkState('state', state)
  for (const [model, own] of Object.entries(modelStates)) checkState(`modelStates.${model}`, own)
  if (faultRates !== undefined) checkRates(faultRates)
  return {
    limits,
    ...given({ defaultLimits, state, faultRates }),
    ...given({ fail: options.fail, failOthers: options.failOthers, answer: options.answer }),
    workspaces: options.workspaces ?? {},
    perSecond: perSecondOf(options.perSecond ?? true),
    minuteWindow: oneOf('minuteWindow', options.minuteWindow ?? 'sliding', windowKinds),
    secondWindow: oneOf('secondWindow', options.secondWindow ?? 'sliding', [...windowKinds, 'off'] as const),
    windowPhaseMs: number('windowPhaseMs', options.windowPhaseMs ?? 0, -Infinity),
    chargesOutput: oneOf('chargesOutput', options.chargesOutput ?? 'completion', [
      'reserved',
      'generated',
      'completion',
    ] as const),
    countsRejected: options.countsRejected ?? false,
    cachedShare: number('cachedShare', options.cachedShare ?? 0, 0, 1),
    cachedWeight: number('cachedWeight', options.cachedWeight ?? 1, 0, 1),
    surge: options.surge && surgeOf(options.surge),
    floors,
    provisioned: options.provisioned ?? {},
    limitChanges: [...(options.limitChanges ?? [])].sort((a, b) => a.afterMs - b.afterMs),
    modelStates,
    maxOutputTokens: integer('maxOutputTokens', options.maxOutputTokens ?? 8192, 1),
    meanOutputTokens: number('meanOutputTokens', options.meanOutputTokens ?? 120, 1),
    meanThinkingTokens: number('meanThinkingTokens', options.meanThinkingTokens ?? 200, 1),
    thinks: options.thinks ?? ((model) => THINKING_MODEL.test(model)),
    showsReasoning: options.showsReasoning ?? true,
    toolCallRate: number('toolCallRate', options.toolCallRate ?? 1, 0, 1),
    chunkTokens: integer('chunkTokens', options.chunkTokens ?? 8, 1),
    countTokens: options.countTokens ?? ((text) => Math.ceil(Buffer.byteLength(text) / 4)),
    maxChoices: integer('maxChoices', options.maxChoices ?? 4, 1),
    embeddingDimensions: integer('embeddingDimensions', options.embeddingDimensions ?? 1024, 1),
    embeddingTexts: integer('embeddingTexts', options.embeddingTexts ?? 10, 1),
    embeddingTokens: integer('embeddingTokens', options.embeddingTokens ?? 8192, 1),
    latency: {
      firstTokenMs: number('latency.firstTokenMs', latency.firstTokenMs ?? 20, 0),
      perTokenMs: number('latency.perTokenMs', latency.perTokenMs ?? 0.2, 0),
      jitter: number('latency.jitter', latency.jitter ?? 0.1, 0, 1),
    },
    service: oneOf('service', options.service ?? 'model-studio', services),
    errorShape: oneOf('errorShape', options.errorShape ?? 'openai', [...errorShapes, 'seeded'] as const),
    rateLimitHeaders: options.rateLimitHeaders ?? false,
    retryAfter: oneOf('retryAfter', options.retryAfter ?? 'off', ['off', 'seconds', 'date', 'milliseconds'] as const),
    seed: integer('seed', options.seed ?? 1, -Infinity),
    apiKeys: apiKeys === undefined ? undefined : new Set(apiKeys),
    maxBodyBytes: integer('maxBodyBytes', options.maxBodyBytes ?? 16 * 1024 * 1024, 1),
    controlPlane: controlPlaneSettings(options.controlPlane ?? {}),
    batch: batchSettings(options.batch ?? {}),
    clock: options.clock ?? systemClock,
    epochMs: number('epochMs', options.epochMs ?? Date.now(), 0),
    ledgerSize: integer('ledgerSize', options.ledgerSize ?? 250_000, 1),
    port: integer('port', options.port ?? 0, 0, 65_535),
    host: options.host ?? '127.0.0.1',
  }
}

export function checkState(name: string, state: AccountState): void {
  oneOf(`${name}.kind`, state.kind, stateKinds)
  if (state.status !== undefined) integer(`${name}.status`, state.status, 400, 599)
  if (state.afterTokens !== undefined) number(`${name}.afterTokens`, state.afterTokens, 0)
  if (state.resetAt !== undefined) number(`${name}.resetAt`, state.resetAt, 0)
}

function tableOf(limits: SimulatorOptions['limits']): LimitsTable | undefined {
  if (typeof limits === 'string') {
    const names = Object.keys(builtInTables) as (keyof typeof builtInTables)[]
    return builtInTables[oneOf('limits', limits, names)]
  }
  if (limits !== undefined) checkTable(limits)
  return limits
}

function perSecondOf(value: unknown): Settings['perSecond'] {
  if (value === true || value === false || value === 'requests') return value
  throw new InvalidRequest(`simulator option perSecond must be true, false or 'requests', not ${String(value)}`)
}

function surgeOf(surge: SurgeOptions): NonNullable<Settings['surge']> {
  return {
    windowMs: number('surge.windowMs', surge.windowMs ?? 5_000, 1),
    baselineMs: number('surge.baselineMs', surge.baselineMs ?? 60_000, 1),
    factor: number('surge.factor', surge.factor ?? 4, 0),
    ...(surge.minimum !== undefined && { minimum: number('surge.minimum', surge.minimum, 0) }),
    measures: oneOf('surge.measures', surge.measures ?? 'requests', ['requests', 'tokens'] as const),
    countsRejected: surge.countsRejected ?? false,
  }
}

function checkRates(rates: FaultRates): void {
  let sum = 0
  for (const name of faultNames) sum += number(`faultRates.${name}`, rates[name] ?? 0, 0, 1)
  if (sum > 1) throw new InvalidRequest(`simulator option faultRates must add up to at most 1, not ${sum}`)
  number('faultRates.slowBodyMs', rates.slowBodyMs ?? 0, 0)
}

/** The fields that are not undefined. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
