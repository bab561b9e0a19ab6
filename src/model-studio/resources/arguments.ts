import { MAX_TIMER_MS } from '../../clock.js'
import { InvalidRequest } from '../../errors.js'
import { nameAdvice } from '../../limits/did-you-mean.js'
import { nearest } from '../../limits/nearest.js'
import { isPlain, shown } from '../../limits/limit-values.js'
import type { CreateDeployment, PtuCapacity, ScaleDeployment, UpdateDeployment } from '../types.js'

const MAX_CAPACITY = 999
const MAX_SUFFIX = 8

/** What is known of a deployment that is to change: what was last seen of it. */
export interface Known {
  readonly plan?: string | undefined
  readonly baseCapacity?: number | undefined
}

type Fields = Readonly<Record<string, unknown>>

/** @throws InvalidRequest where `value` is no object, or has a field of another name */
export function checkNames(what: string, value: unknown, names: readonly string[]): asserts value is Fields {
  if (!isPlain(value)) throw new InvalidRequest(`${what} is ${shown(value)}: give an object`)
  for (const [name, given] of Object.entries(value)) {
    if (given === undefined || names.includes(name)) continue
    const advice = nameAdvice(nearest(name, names), `there are ${names.join(', ')}`)
    throw new InvalidRequest(`${what} has no '${name}': ${advice}`)
  }
}

/** @throws InvalidRequest */
export function checkId(id: unknown): asserts id is string {
  const rule = 'give the deployedModel of a deployment'
  if (typeof id !== 'string' || id === '') throw new InvalidRequest(`id is ${shown(id)}: ${rule}`)
  // These lead elsewhere in a path, `models` to the list of what can be deployed.
  if (id === 'models' || /^\.+$/.test(id) || /[\s/\\?#%\p{Cc}]/u.test(id)) {
    throw new InvalidRequest(`id is ${shown(id)}, which no deployment is called: ${rule}`)
  }
}

/** @throws InvalidRequest */
export function wholeNumber(name: string, value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  throw new InvalidRequest(`${name} is ${shown(value)}: give a whole number ${range}`)
}

/** A time in ms that a timer takes. @throws InvalidRequest */
export function duration(name: string, value: unknown, min: number): number {
  if (typeof value === 'number' && value >= min && value <= MAX_TIMER_MS) return value
  throw new InvalidRequest(`${name} is ${shown(value)}: give a number of milliseconds from ${min} to ${MAX_TIMER_MS}`)
}

/** @throws InvalidRequest */
export function checkSignal(signal: unknown): void {
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>
  if (signal === undefined || (typeof aborted === 'boolean' && typeof addEventListener === 'function')) return
  throw new InvalidRequest(`signal is ${shown(signal)}: give an AbortSignal`)
}

/** What an update sends. @throws InvalidRequest */
export function checkUpdate(id: string, limits: UpdateDeployment, { plan }: Known): UpdateDeployment {
  checkNames('limits', limits, ['rpmLimit', 'tpmLimit'])
  const { rpmLimit, tpmLimit } = limits as UpdateDeployment
  if (rpmLimit === undefined && tpmLimit === undefined) {
    throw new InvalidRequest('neither rpmLimit nor tpmLimit is given: give at least one of them')
  }
  checkRates(rpmLimit, tpmLimit)
  if (isOther(plan, 'mu')) {
    throw new InvalidRequest(`${id} has the plan ${plan}: rpmLimit and tpmLimit are for the plan mu alone`)
  }
  return { rpmLimit, tpmLimit }
}

/** What scaling sends. @throws InvalidRequest */
export function checkScale(id: string, size: unknown, { plan, baseCapacity }: Known): ScaleDeployment {
  checkNames('size', size, ['capacity', 'ptuCapacity'])
  const { capacity, ptuCapacity } = size
  if ((capacity === undefined) === (ptuCapacity === undefined)) {
    throw new InvalidRequest('give either capacity, for the plan mu, or ptuCapacity, for the plan ptu')
  }
  if (capacity !== undefined) {
    if (isOther(plan, 'mu')) throw new InvalidRequest(`${id} has the plan ${plan}: capacity is for the plan mu alone`)
    return { capacity: checkCapacity(capacity, baseCapacity) }
  }
  if (isOther(plan, 'ptu'))
    throw new InvalidRequest(`${id} has the plan ${plan}: ptuCapacity is for the plan ptu alone`)
  return { ptuCapacity: checkPtu(ptuCapacity) }
}

const CREATE = {
  modelName: 'string',
  plan: 'string',
  capacity: 'number',
  ptuCapacity: 'object',
  name: 'string',
  suffix: 'string',
  chargeType: 'string',
  rpmLimit: 'number',
  tpmLimit: 'number',
  modelUnitSpec: 'string',
  enableThinking: 'boolean',
  maxContextLength: 'number',
  serviceTier: 'string',
  overflowStrategy: 'string',
  extraBody: 'object',
} as const satisfies Record<keyof CreateDeployment, string>

/** @throws InvalidRequest */
export function checkCreate(order: unknown): asserts order is CreateDeployment {
  checkNames('order', order, Object.keys(CREATE))
  for (const [name, type] of Object.entries(CREATE)) {
    const value = order[name]
    if (value === undefined) continue
    if (typeof value !== type || value === '') {
      throw new InvalidRequest(`${name} is ${shown(value)}: give ${type === 'object' ? 'an object' : `a ${type}`}`)
    }
  }
  const { modelName, plan, capacity, ptuCapacity, suffix, rpmLimit, tpmLimit, extraBody } =
    order as Partial<CreateDeployment>
  if (modelName === undefined) throw new InvalidRequest('modelName is missing: give the model to deploy')
  if (plan === undefined)
    throw new InvalidRequest("plan is missing: give 'mu' (model units), 'ptu' (throughput) or 'lora'")
  if (suffix !== undefined && (suffix.length > MAX_SUFFIX || /\s/.test(suffix))) {
    throw new InvalidRequest(`suffix is ${shown(suffix)}: give at most ${MAX_SUFFIX} characters, without white space`)
  }
  if (extraBody !== undefined && !isPlain(extraBody)) {
    throw new InvalidRequest(`extraBody is ${shown(extraBody)}: give an object`)
  }
  checkJson('extraBody', extraBody)
  checkRates(rpmLimit, tpmLimit)
  if (plan === 'mu' && capacity === undefined) throw new InvalidRequest('capacity is missing: the plan mu needs it')
  if (plan === 'ptu' && ptuCapacity === undefined)
    throw new InvalidRequest('ptuCapacity is missing: the plan ptu needs it')
  if (capacity !== undefined) {
    if (plan === 'ptu') throw new InvalidRequest('capacity is for the plan mu: give ptuCapacity with the plan ptu')
    checkCapacity(capacity, undefined)
  }
  if (ptuCapacity !== undefined) {
    if (isOther(plan, 'ptu')) throw new InvalidRequest(`ptuCapacity is for the plan ptu alone, and plan is '${plan}'`)
    checkPtu(ptuCapacity)
  }
  if ((rpmLimit !== undefined || tpmLimit !== undefined) && isOther(plan, 'mu')) {
    throw new InvalidRequest(`rpmLimit and tpmLimit are for the plan mu alone, and plan is '${plan}'`)
  }
}

function checkJson(name: string, value: unknown): void {
  try {
    JSON.stringify(value)
  } catch (cause) {
    throw new InvalidRequest(`${name} cannot be written as JSON: ${(cause as Error).message}`, { cause })
  }
}

/** Whether it is known to be another plan; of one that no document names we know nothing. */
function isOther(plan: string | undefined, expected: string): boolean {
  return plan !== expected && (plan === 'mu' || plan === 'ptu' || plan === 'lora')
}

function checkRates(rpmLimit: unknown, tpmLimit: unknown): void {
  if (rpmLimit !== undefined) wholeNumber('rpmLimit', rpmLimit, 1)
  if (tpmLimit !== undefined) wholeNumber('tpmLimit', tpmLimit, 1)
}

function checkCapacity(value: unknown, baseCapacity: number | undefined): number {
  const capacity = wholeNumber('capacity', value, 0, MAX_CAPACITY)
  if (baseCapacity === undefined || baseCapacity < 1 || capacity % baseCapacity === 0) return capacity
  throw new InvalidRequest(
    `capacity is ${capacity}: give a multiple of ${baseCapacity}, the baseCapacity of this model`,
  )
}

function checkPtu(value: unknown): PtuCapacity {
  checkNames('ptuCapacity', value, ['inputTpm', 'outputTpm', 'thinkingOutputTpm'])
  const { inputTpm, outputTpm, thinkingOutputTpm } = value
  return {
    inputTpm: wholeNumber('ptuCapacity.inputTpm', inputTpm, 1),
    outputTpm: wholeNumber('ptuCapacity.outputTpm', outputTpm, 1),
    ...(thinkingOutputTpm !== undefined && {
      thinkingOutputTpm: wholeNumber('ptuCapacity.thinkingOutputTpm', thinkingOutputTpm, 0),
    }),
  }
}
