import { InvalidLimits } from '../../errors.js'
import { builtInTables } from '../../limits/index.js'
import type { LimitsTable } from '../../types.js'
import { callback, flag, integer, list, named, number, oneOf, record, text, invalidOption } from '../checks.js'
import { checkState } from '../errors/states.js'
import type { SurgeOptions } from '../metering/surge-detector.js'
import type { Floor, LimitOptions, ProvisionedThroughput } from '../options/limit-options.js'
import { checkLimits, checkTable, checkWorkspace } from './limit-checks.js'
import { changeNames, floorNames, provisionedNames, surgeNames } from './option-names.js'

type Optional = 'defaultLimits' | 'state'
type Shaped = 'limits' | 'surge'

/** The options of limits, checked and with their defaults. */
export interface LimitSettings extends Required<Omit<LimitOptions, Optional | Shaped>>, Pick<LimitOptions, Optional> {
  readonly limits: LimitsTable | undefined
  readonly surge: (Required<Omit<SurgeOptions, 'minimum'>> & Pick<SurgeOptions, 'minimum'>) | undefined
}

const windowKinds = ['fixed', 'sliding', 'bucket'] as const
const outputAccountings = ['reserved', 'generated', 'completion'] as const

/** @throws InvalidRequest that names the wrong option, or InvalidLimits for a wrong row */
export function limitSettings(options: LimitOptions): LimitSettings {
  const { defaultLimits, state, workspaces = {}, provisioned = {}, floors = {}, limitChanges = [] } = options
  const { modelStates = {} } = options
  const limits = tableOf(options.limits)
  if (defaultLimits !== undefined) checkLimits('defaultLimits', defaultLimits)
  for (const [workspace, table] of Object.entries(
    record('workspaces', workspaces, 'a limits table for each workspace'),
  )) {
    for (const [model, row] of Object.entries(record(`workspaces.${workspace}`, table, 'limits for each model'))) {
      checkWorkspace(workspace, model, row, limits?.[model] ?? defaultLimits)
    }
  }
  for (const [model, capacity] of Object.entries(record('provisioned', provisioned, 'a throughput for each model'))) {
    checkProvisioned(model, capacity)
  }
  for (const [model, floor] of Object.entries(record('floors', floors, 'a floor for each model')))
    checkFloor(model, floor)
  for (const [i, change] of list('limitChanges', limitChanges, 'changes').entries()) {
    const { afterMs, model, limits } = named(`limitChanges[${i}]`, change, changeNames)
    number('limitChanges.afterMs', afterMs, 0)
    checkLimits(`limitChanges ${text('limitChanges.model', model)}`, limits)
  }
  if (state !== undefined) checkState('state', state)
  for (const [model, own] of Object.entries(record('modelStates', modelStates, 'a state for each model'))) {
    checkState(`modelStates.${model}`, own)
  }
  return {
    limits,
    ...(defaultLimits !== undefined && { defaultLimits }),
    ...(state !== undefined && { state }),
    workspaces,
    perSecond: perSecondOf(options.perSecond ?? true),
    minuteWindow: oneOf('minuteWindow', options.minuteWindow ?? 'sliding', windowKinds),
    secondWindow: oneOf('secondWindow', options.secondWindow ?? 'sliding', [...windowKinds, 'off'] as const),
    windowPhaseMs: number('windowPhaseMs', options.windowPhaseMs ?? 0, -Infinity),
    outputAccounting: oneOf('outputAccounting', options.outputAccounting ?? 'completion', outputAccountings),
    countsRejected: flag('countsRejected', options.countsRejected ?? false),
    cachedShare: number('cachedShare', options.cachedShare ?? 0, 0, 1),
    cachedWeight: number('cachedWeight', options.cachedWeight ?? 1, 0, 1),
    surge: options.surge === undefined ? undefined : surgeOf(options.surge),
    floors,
    provisioned,
    limitChanges: [...limitChanges].sort((a, b) => a.afterMs - b.afterMs),
    modelStates,
  }
}

function tableOf(limits: LimitOptions['limits']): LimitsTable | undefined {
  if (limits === undefined) return undefined
  if (typeof limits === 'string') {
    const names = Object.keys(builtInTables) as (keyof typeof builtInTables)[]
    return builtInTables[oneOf('limits', limits, names)]
  }
  checkTable('limits', limits)
  return limits
}

function perSecondOf(value: unknown): LimitSettings['perSecond'] {
  if (value === true || value === false || value === 'requests') return value
  throw invalidOption('perSecond', "true, false or 'requests'", value)
}

function surgeOf(surge: SurgeOptions): NonNullable<LimitSettings['surge']> {
  named('surge', surge, surgeNames)
  return {
    windowMs: number('surge.windowMs', surge.windowMs ?? 5_000, 1),
    baselineMs: number('surge.baselineMs', surge.baselineMs ?? 60_000, 1),
    factor: number('surge.factor', surge.factor ?? 4, 0),
    ...(surge.minimum !== undefined && { minimum: number('surge.minimum', surge.minimum, 0) }),
    measures: oneOf('surge.measures', surge.measures ?? 'requests', ['requests', 'tokens'] as const),
    countsRejected: flag('surge.countsRejected', surge.countsRejected ?? false),
  }
}

function checkProvisioned(model: string, capacity: ProvisionedThroughput): void {
  const name = `provisioned.${model}`
  const { maxInputTokens, snapshot, ...limits } = named(name, capacity, provisionedNames)
  checkLimits(`provisioned ${model}`, limits)
  for (const field of ['inputTpm', 'outputTpm'] as const) {
    if (limits[field] === undefined) throw new InvalidLimits(`provisioned ${model}: ${field} is missing`)
  }
  if (maxInputTokens !== undefined && maxInputTokens !== Infinity) {
    integer(`${name}.maxInputTokens`, maxInputTokens, 0)
  }
  if (snapshot !== undefined) text(`${name}.snapshot`, snapshot)
}

function checkFloor(model: string, floor: Floor): void {
  const name = `floors.${model}`
  const { spare = 0.5, says = 'limit' } = named(name, floor, floorNames)
  if (typeof spare === 'function') callback(`${name}.spare`, spare)
  else number(`${name}.spare`, spare, 0, 1)
  oneOf(`${name}.says`, says, ['limit', 'capacity'])
}
