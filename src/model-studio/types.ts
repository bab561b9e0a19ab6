import type { Clock } from '../clock.js'
import type { Limits } from '../types.js'

/** A region of the service. */
export type Region = 'singapore' | 'beijing' | 'virginia'

export interface ModelStudioOptions {
  /** The API key. The client sends it as a bearer token, only to `baseURL`. Errors and dumps of the client never contain it. */
  readonly apiKey: string
  /**
   * The base URL of the API, such as `https://{workspace}.{region}.maas.aliyuncs.com`. The path may be `/api/v1`, empty, or the
   * OpenAI-compatible `/compatible-mode/v1`. The client always uses `/api/v1`.
   * @default the host of `region`
   */
  readonly baseURL?: string | URL | undefined
  /** The region of the service, as an alternative to `baseURL`. @default 'singapore' */
  readonly region?: Region | undefined
  /** The workspace (`X-DashScope-WorkSpace`). @default the workspace of the key */
  readonly workspace?: string | undefined
  /** The path of the quota table below `/api/v1`. One page of the vendor documents `/models/limits`. @default '/quotas' */
  readonly quotasPath?: string | undefined
  /** Maximum number of retries of a call. `create` is never retried. @default 4 */
  readonly maxRetries?: number | undefined
  /** Maximum time of one attempt, including its body, in ms. @default 30_000 */
  readonly timeoutMs?: number | undefined
  /** Minimum time between two calls, in ms. @default 200 */
  readonly minIntervalMs?: number | undefined
  /** The function that sends each call. @default the global `fetch` */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** The clock for timeouts and intervals. @default the system's monotonic clock */
  readonly clock?: Clock | undefined
  /** Returns numbers in [0, 1), to randomise the delay between retries. @default Math.random */
  readonly random?: (() => number) | undefined
}

/** Options of every call. */
export interface CallOptions {
  /** Aborts the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** Options of every list. */
export interface ListOptions extends CallOptions {
  /** Rows of each page, 1 to 100. @default 20 */
  readonly pageSize?: number | undefined
}

export interface QuotaListOptions extends ListOptions {
  /** Lists only models whose name contains this text. */
  readonly name?: string | undefined
  /** Lists only the model with exactly this name. */
  readonly model?: string | undefined
}

/**
 * A list that is read page by page during iteration. Each iteration starts from the first page. A row that moves to another page
 * in the meantime is yielded once.
 */
export interface Paged<T> extends AsyncIterable<T> {
  /** Resolves to all rows. */
  all(): Promise<T[]>
}

/** A row of the quota table. Other fields of the service are kept, with their names in camelCase. */
export interface Quota {
  readonly model: string
  readonly workspaceId?: string
  /** The limits of the account, in the service's format. */
  readonly modelLimit?: QuotaLimit
  /** The limits of the workspace, in the service's format, if they are lower than the account's. */
  readonly workspaceLimit?: QuotaLimit
  /** `modelLimit` as {@link Limits}. Empty if no limit binds or none is known. `{ rpm: 0, tpm: 0 }` means a retired model. */
  readonly accountLimits: Limits
  /** The effective limits of the workspace as {@link Limits}: the lower of its own and the account's. */
  readonly limits: Limits
  readonly [field: string]: unknown
}

/** Limits in the service's format. A missing limit does not bind. */
export interface QuotaLimit {
  /** Maximum number of requests in a period. */
  readonly requestLimit?: number
  /** The period of `requestLimit`, in seconds: 60 for a minute, 1 for a second. */
  readonly requestLimitPeriod?: number
  /** Maximum number of tokens in a period. */
  readonly usageLimit?: number
  /** The unit of `usageLimit`, such as `total_tokens`. */
  readonly usageLimitField?: string
  /** The period of `usageLimit`, in seconds. */
  readonly usageLimitPeriod?: number
  readonly asyncUserQueueLimit?: number
  readonly asyncUserConcurrencyLimit?: number
  readonly [field: string]: unknown
}

/** The status of a deployment. Undocumented values of the service are passed through. */
export type DeploymentStatus =
  | 'PENDING'
  | 'DEPLOYING'
  | 'UPDATING'
  | 'SCALING'
  | 'RUNNING'
  | 'STOPPED'
  | 'DELETING'
  | 'FAILED'
  | (string & {})

/** The billing plan: model units, provisioned throughput, or by token. Other values are passed through. */
export type DeploymentPlan = 'mu' | 'ptu' | 'lora' | (string & {})

/** Provisioned throughput, in the service's unit: tokens a minute by its documents. The client converts nothing. */
export interface PtuCapacity {
  readonly inputTpm: number
  /** Output without thinking. */
  readonly outputTpm: number
  readonly thinkingOutputTpm?: number
}

/** A deployment. Other fields of the service are kept, with their names in camelCase. */
export interface Deployment {
  /** The id of the deployment. Requests use it as their `model`. */
  readonly deployedModel: string
  readonly status: DeploymentStatus
  /** The creation time in the service's format: local time without a time zone. */
  readonly gmtCreate?: string
  readonly gmtModified?: string
  /** The display name. */
  readonly name?: string
  readonly modelName?: string
  readonly baseModel?: string
  /** The unit step: `capacity` is a multiple of it. */
  readonly baseCapacity?: number
  /** The number of requested units. */
  readonly capacity?: number
  /** The number of units that are ready. */
  readonly readyCapacity?: number
  readonly workspaceId?: string
  readonly chargeType?: string
  readonly creator?: string
  readonly modifier?: string
  readonly plan?: DeploymentPlan
  readonly modelUnitSpec?: string
  readonly enableThinking?: boolean
  readonly maxContextLength?: number
  /** Requests a minute. */
  readonly rpmLimit?: number
  /** Tokens a minute. */
  readonly tpmLimit?: number
  readonly ptuCapacity?: Partial<PtuCapacity>
  readonly serviceTier?: string
  readonly overflowStrategy?: string
  readonly [field: string]: unknown
}

/** The options of a new deployment. */
export interface CreateDeployment {
  readonly modelName: string
  readonly plan: DeploymentPlan
  /** The number of units, for plan `mu`. */
  readonly capacity?: number | undefined
  /** The throughput, for plan `ptu`. */
  readonly ptuCapacity?: PtuCapacity | undefined
  /** The display name. */
  readonly name?: string | undefined
  /** The suffix of the id, at most 8 characters. @default chosen by the service */
  readonly suffix?: string | undefined
  readonly chargeType?: string | undefined
  /** Requests a minute; with plan `mu`. */
  readonly rpmLimit?: number | undefined
  /** Tokens a minute; with plan `mu`. */
  readonly tpmLimit?: number | undefined
  readonly modelUnitSpec?: string | undefined
  readonly enableThinking?: boolean | undefined
  readonly maxContextLength?: number | undefined
  readonly serviceTier?: string | undefined
  readonly overflowStrategy?: string | undefined
  /** Additional fields, in the service's format. */
  readonly extraBody?: Readonly<Record<string, unknown>> | undefined
}

/** New limits of a deployment. At least one is required. */
export interface UpdateDeployment {
  /** Requests a minute. */
  readonly rpmLimit?: number | undefined
  /** Tokens a minute. */
  readonly tpmLimit?: number | undefined
}

/** The new size: `capacity` for plan `mu`, `ptuCapacity` for plan `ptu`. */
export type ScaleDeployment =
  | { readonly capacity: number; readonly ptuCapacity?: undefined }
  | { readonly ptuCapacity: PtuCapacity; readonly capacity?: undefined }

export interface WaitOptions extends CallOptions {
  /** Maximum time to wait, in ms. A deployment takes 5 to 10 minutes (documented). @default 1_800_000 (half an hour) */
  readonly timeoutMs?: number | undefined
  /** The poll interval, in ms. @default 10_000 */
  readonly pollMs?: number | undefined
  /** Called with the first state, and then after each change of status. */
  readonly onStatus?: ((deployment: Deployment) => void) | undefined
}

/** The status that `waitFor` awaits. `'GONE'` means that the deployment no longer exists. */
export type AwaitedStatus = DeploymentStatus | 'GONE'

/** Access to the quota table. */
export interface QuotasApi {
  list(options?: QuotaListOptions): Paged<Quota>
}

/** The deployments of the account. See `Deployments` for what each does and throws. */
export interface DeploymentsApi {
  list(options?: ListOptions): Paged<Deployment>
  get(id: string, options?: CallOptions): Promise<Deployment>
  create(order: CreateDeployment, options?: CallOptions): Promise<Deployment>
  update(id: string, limits: UpdateDeployment, options?: CallOptions): Promise<Deployment>
  scale(id: string, size: ScaleDeployment, options?: CallOptions): Promise<Deployment>
  /** Resolves to the deleted deployment, or to undefined if the service does not return it. */
  delete(id: string, options?: CallOptions): Promise<Deployment | undefined>
  waitFor(id: string, status: AwaitedStatus | readonly AwaitedStatus[], options?: WaitOptions): Promise<Deployment>
}

/** The interface of `ModelStudio`. Code that only needs these methods can depend on it. */
export interface ModelStudioApi {
  readonly quotas: QuotasApi
  readonly deployments: DeploymentsApi
}
