import { systemClock } from '../clock.js'
import { InvalidRequest } from '../errors.js'
import { shown } from '../limits/limit-values.js'
import { checkNames, duration, wholeNumber } from './resources/arguments.js'
import { baseOf } from './http/base-url.js'
import { ControlPlaneCalls } from './http/control-plane-calls.js'
import { Deployments } from './resources/deployments.js'
import { Quotas } from './resources/quotas.js'
import { Secret } from './http/secret.js'
import type { ModelStudioApi, ModelStudioOptions } from './types.js'

const OPTIONS = [
  'apiKey',
  'baseURL',
  'region',
  'workspace',
  'quotasPath',
  'maxRetries',
  'timeoutMs',
  'minIntervalMs',
  'fetch',
  'clock',
  'random',
] as const satisfies (keyof ModelStudioOptions)[]

/**
 * A client for the control plane of Model Studio: the quotas of the account, and its deployments.
 *
 * ```ts
 * const studio = new ModelStudio({ apiKey, region: 'singapore' })
 * for await (const { model, limits } of studio.quotas.list()) console.log(model, limits.rpm, limits.tpm)
 * await studio.deployments.update('qwen-plus-2025-12-01-b6d61c71', { rpmLimit: 1000 })
 * ```
 */
export class ModelStudio implements ModelStudioApi {
  readonly quotas: Quotas
  readonly deployments: Deployments

  /** @throws InvalidRequest for an unknown or invalid option */
  constructor(options: ModelStudioOptions) {
    checkNames('options', options, OPTIONS)
    const { baseURL, region, fetch, clock = systemClock, random = Math.random } = options as ModelStudioOptions
    const { apiKey, workspace, quotasPath = '/quotas' } = options as ModelStudioOptions
    const { maxRetries = 4, timeoutMs = 30_000, minIntervalMs = 200 } = options as ModelStudioOptions
    for (const [name, value] of Object.entries({ fetch, random })) {
      if (value !== undefined && typeof value !== 'function') {
        throw new InvalidRequest(`${name} is ${shown(value)}: give a function`)
      }
    }
    const calls = new ControlPlaneCalls({
      base: baseOf(baseURL, region),
      secret: new Secret(apiKey),
      workspace: workspaceOf(workspace),
      maxRetries: wholeNumber('maxRetries', maxRetries, 0),
      timeoutMs: duration('timeoutMs', timeoutMs, 1),
      minIntervalMs: duration('minIntervalMs', minIntervalMs, 0),
      fetch,
      clock,
      random,
    })
    this.quotas = new Quotas(calls, quotasPathOf(quotasPath))
    this.deployments = new Deployments(calls)
  }
}

function workspaceOf(workspace: unknown): string | undefined {
  if (workspace === undefined || (typeof workspace === 'string' && /^[\x21-\x7e]+$/.test(workspace))) return workspace
  throw new InvalidRequest(`workspace is ${shown(workspace)}: give its identifier, such as 'llm-…'`)
}

function quotasPathOf(path: unknown): string {
  if (typeof path === 'string' && /^(\/[\w.-]+)+$/.test(path) && !/\/\.+(\/|$)/.test(path)) return path
  throw new InvalidRequest(`quotasPath is ${shown(path)}: give a path after /api/v1, such as '/quotas'`)
}
