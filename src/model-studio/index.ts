/**
 * A client for the control plane of Alibaba Cloud Model Studio: the quotas of the account, and its deployments.
 *
 * ```ts
 * const studio = new ModelStudio({ apiKey, region: 'beijing' })
 * const [quota] = await studio.quotas.list({ model: 'qwen-plus' }).all()
 * const { deployedModel } = await studio.deployments.create({ modelName: 'qwen3-8b', plan: 'mu', capacity: 1 })
 * await studio.deployments.waitFor(deployedModel, 'RUNNING')
 * ```
 */
export { ModelStudio } from './model-studio.js'
export {
  deploymentLimits,
  type DeploymentLimitsOptions,
  type DeploymentLimitsSource,
} from './limits/deployment-limits.js'
export { liveLimits, type LiveLimitsOptions, type LiveLimitsSource } from './limits/live-limits.js'
export type { LimitsScope } from './limits/quota-tables.js'
export type { Deployments } from './resources/deployments.js'
export type { Quotas } from './resources/quotas.js'
export {
  Conflict,
  ConnectionFailed,
  DeploymentFailed,
  InvalidParameter,
  ModelStudioError,
  NotFound,
  PermissionDenied,
  ServiceUnavailable,
  Throttled,
  TimedOut,
  UnexpectedAnswer,
} from './errors.js'
export type {
  AwaitedStatus,
  CallOptions,
  CreateDeployment,
  Deployment,
  DeploymentPlan,
  DeploymentsApi,
  DeploymentStatus,
  ListOptions,
  ModelStudioApi,
  ModelStudioOptions,
  Paged,
  PtuCapacity,
  Quota,
  QuotaLimit,
  QuotaListOptions,
  QuotasApi,
  Region,
  ScaleDeployment,
  UpdateDeployment,
  WaitOptions,
} from './types.js'
