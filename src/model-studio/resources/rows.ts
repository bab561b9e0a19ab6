import { isJsonObject } from '../../json.js'
import type { Limits } from '../../types.js'
import { MalformedAnswer } from '../http/control-plane-answer.js'
import { type FieldKind, readFields } from './fields.js'
import type { Page } from '../http/paged.js'
import type { Deployment, PtuCapacity, Quota, QuotaLimit } from '../types.js'

/** The fields that we know of a type, and what each must be; what is no plain value is read apart. */
type Kinds<T> = { readonly [K in keyof T as string extends K ? never : K]-?: FieldKind }

const DEPLOYMENT: Omit<Kinds<Deployment>, 'ptuCapacity'> = {
  deployedModel: 'text',
  status: 'text',
  gmtCreate: 'text',
  gmtModified: 'text',
  name: 'text',
  modelName: 'text',
  baseModel: 'text',
  baseCapacity: 'number',
  capacity: 'number',
  readyCapacity: 'number',
  workspaceId: 'text',
  chargeType: 'text',
  creator: 'text',
  modifier: 'text',
  plan: 'text',
  modelUnitSpec: 'text',
  enableThinking: 'boolean',
  maxContextLength: 'number',
  rpmLimit: 'number',
  tpmLimit: 'number',
  serviceTier: 'text',
  overflowStrategy: 'text',
}

const PTU: Kinds<PtuCapacity> = { inputTpm: 'number', outputTpm: 'number', thinkingOutputTpm: 'number' }

const LIMIT: Kinds<QuotaLimit> = {
  requestLimit: 'number',
  requestLimitPeriod: 'number',
  usageLimit: 'number',
  usageLimitField: 'text',
  usageLimitPeriod: 'number',
  asyncUserQueueLimit: 'number',
  asyncUserConcurrencyLimit: 'number',
}

/** Whether it says which deployment it is, and how it is. */
export function isDeployment({ deployed_model: id, status }: Readonly<Record<string, unknown>>): boolean {
  return typeof id === 'string' && typeof status === 'string'
}

/** @throws Misshapen where it says neither which one it is nor how it is */
export function readDeployment(row: unknown): Deployment {
  const fields = isJsonObject(row) ? readFields(row, DEPLOYMENT) : {}
  const { ptuCapacity, ...rest } = fields
  if (typeof rest['deployedModel'] !== 'string' || typeof rest['status'] !== 'string') {
    throw new MalformedAnswer("with a deployment without 'deployed_model' or without 'status'")
  }
  return { ...rest, ...(isJsonObject(ptuCapacity) && { ptuCapacity: readFields(ptuCapacity, PTU) }) } as Deployment
}

/** @throws Misshapen where it says of no model */
export function readQuota(row: unknown): Quota {
  const fields = isJsonObject(row) ? readFields(row, { model: 'text', workspaceId: 'text' }) : {}
  const { modelLimit, workspaceLimit, ...rest } = fields
  if (typeof rest['model'] !== 'string') throw new MalformedAnswer("with a quota without 'model'")
  const ofModel = isJsonObject(modelLimit) ? (readFields(modelLimit, LIMIT) as QuotaLimit) : undefined
  const ofWorkspace = isJsonObject(workspaceLimit) ? (readFields(workspaceLimit, LIMIT) as QuotaLimit) : undefined
  const accountLimits = limitsOf(ofModel)
  return {
    ...rest,
    model: rest['model'],
    ...(ofModel && { modelLimit: ofModel }),
    ...(ofWorkspace && { workspaceLimit: ofWorkspace }),
    accountLimits,
    limits: lower(accountLimits, limitsOf(ofWorkspace)),
  }
}

/** @throws Misshapen where the list is missing */
export function readPage<T>(
  output: Readonly<Record<string, unknown>>,
  field: string,
  read: (row: unknown) => T,
): Page<T> {
  const rows = output[field]
  const total = output['total']
  if (!Array.isArray(rows)) throw new MalformedAnswer(`without a list of '${field}'`)
  return { rows: rows.map(read), total: typeof total === 'number' ? total : undefined }
}

/**
 * What a row binds by. A period of less than a minute is written as a rate a second, a longer one as a rate a minute: paced so,
 * the period's limit holds too. What is counted in another unit than we know is left out, as is a limit below 0.
 */
function limitsOf(limit: QuotaLimit | undefined): Limits {
  const {
    requestLimit,
    requestLimitPeriod = 60,
    usageLimit,
    usageLimitField = 'total_tokens',
    usageLimitPeriod = 60,
  } = limit ?? {}
  return {
    ...inPeriod(requestLimit, requestLimitPeriod, 'rpm', 'rps'),
    ...(usageLimitField === 'total_tokens' && inPeriod(usageLimit, usageLimitPeriod, 'tpm', 'tps')),
  }
}

function inPeriod(amount: number | undefined, periodS: number, minute: 'rpm' | 'tpm', second: 'rps' | 'tps'): Limits {
  if (amount === undefined || amount < 0 || !(periodS > 0)) return {}
  return periodS < 60 ? { [second]: amount / periodS } : { [minute]: Math.floor((amount * 60) / periodS) }
}

function lower(account: Limits, workspace: Limits): Limits {
  const lowest: Record<string, number> = { ...account }
  for (const [name, limit] of Object.entries(workspace)) lowest[name] = Math.min(limit, lowest[name] ?? Infinity)
  return lowest
}
