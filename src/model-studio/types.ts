import type { Clock } from '../clock.js'
import type { Limits } from '../types.js'

/** Where the service is. */
export type Region = 'singapore' | 'beijing' | 'virginia'

export interface ModelStudioOptions {
  /** The key of the API. It is sent as a bearer token to `baseURL` alone, and is in no error and no dump of the client. */
  readonly apiKey: string
  /**
   * Where the API is: `https://{workspace}.{region}.maas.aliyuncs.com`, for one. The path may be `/api/v1`, missing, or the
   * one of the OpenAI-compatible API (`/compatible-mode/v1`), in whose place `/api/v1` is put.
   * @default what `region` means
   */
  readonly baseURL?: string | URL | undefined
  /** In place of `baseURL`. @default 'singapore' */
  readonly region?: Region | undefined
  /** The workspace that is asked for (`X-DashScope-WorkSpace`). @default the key's own */
  readonly workspace?: string | undefined
  /** The path of the table of quotas after `/api/v1`; one of the vendor's pages prints `/models/limits`. @default '/quotas' */
  readonly quotasPath?: string | undefined
  /** How often a call that may be repeated is: all but `create`. @default 4 */
  readonly maxRetries?: number | undefined
  /** How long one attempt may take, its body included, in ms. @default 30_000 */
  readonly timeoutMs?: number | undefined
  /** The time from one call to the next, in ms, at least. @default 200 */
  readonly minIntervalMs?: number | undefined
  /** @default the global `fetch` */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** @default the machine's monotonic clock */
  readonly clock?: Clock | undefined
  /** Numbers in [0, 1), for the randomness of waiting times. @default Math.random */
  readonly random?: (() => number) | undefined
}

/** What every call takes. */
export interface CallOptions {
  /** Ends the call; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** What every list takes. */
export interface ListOptions extends CallOptions {
  /** How many are asked for at once, 1 to 100. @default 20 */
  readonly pageSize?: number | undefined
}

export interface QuotaListOptions extends ListOptions {
  /** Only models whose name has this in it. */
  readonly name?: string | undefined
  /** Only the model of exactly this name. */
  readonly model?: string | undefined
}

/**
 * A list that is read page by page as it is iterated; each iteration begins anew. What moves to another page in the meantime
 * comes once.
 */
export interface Paged<T> extends AsyncIterable<T> {
  /** All of them. */
  all(): Promise<T[]>
}

/** A row of the table of quotas. Fields that are not named here are kept, their names in camelCase. */
export interface Quota {
  readonly model: string
  readonly workspaceId?: string
  /** What the account may use, as the service writes it. */
  readonly modelLimit?: QuotaLimit
  /** What the workspace may use, where it has less than the account. */
  readonly workspaceLimit?: QuotaLimit
  /** `modelLimit` in our terms. Empty where nothing binds or nothing is known; `{ rpm: 0, tpm: 0 }` is a retired model. */
  readonly accountLimits: Limits
  /** What holds for the workspace, in our terms: of its own limits and the account's the lower ones. */
  readonly limits: Limits
  readonly [field: string]: unknown
}

/** Limits as the service writes them. A limit that is missing does not bind. */
export interface QuotaLimit {
  /** Requests in a period. */
  readonly requestLimit?: number
  /** In seconds: 60 is a limit a minute, 1 one a second. */
  readonly requestLimitPeriod?: number
  /** Tokens in a period. */
  readonly usageLimit?: number
  /** What `usageLimit` counts: `total_tokens`. */
  readonly usageLimitField?: string
  /** In seconds. */
  readonly usageLimitPeriod?: number
  readonly asyncUserQueueLimit?: number
  readonly asyncUserConcurrencyLimit?: number
  readonly [field: string]: unknown
}

/** What a deployment is in. The service knows more than its documents name: others come as they are. */
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

/** How a deployment is paid for: model units, provisioned throughput, by token; others come as they are. */
export type DeploymentPlan = 'mu' | 'ptu' | 'lora' | (string & {})

/** A throughput that is bought, in the unit of the service: its documents say tokens a minute. Nothing is converted. */
export interface PtuCapacity {
  readonly inputTpm: number
  /** Thinking not included. */
  readonly outputTpm: number
  readonly thinkingOutputTpm?: number
}

/** A deployment. Fields that are not named here are kept, their names in camelCase. */
export interface Deployment {
  /** What identifies it, and what requests name as their `model`. */
  readonly deployedModel: string
  readonly status: DeploymentStatus
  /** As the service writes it: local time without a zone. */
  readonly gmtCreate?: string
  readonly gmtModified?: string
  /** The name that it was given. */
  readonly name?: string
  readonly modelName?: string
  readonly baseModel?: string
  /** The units of which `capacity` is a multiple. */
  readonly baseCapacity?: number
  /** The units that were asked for. */
  readonly capacity?: number
  /** The units that serve. */
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

/** What a deployment is made with. */
export interface CreateDeployment {
  readonly modelName: string
  readonly plan: DeploymentPlan
  /** Units; with plan `mu`. */
  readonly capacity?: number | undefined
  /** With plan `ptu`. */
  readonly ptuCapacity?: PtuCapacity | undefined
  /** A name to show. */
  readonly name?: string | undefined
  /** The end of its identifier, of at most 8 characters; without one the service chooses. */
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
  /** Fields that are not named here, as the service writes them. */
  readonly extraBody?: Readonly<Record<string, unknown>> | undefined
}

/** At least one of the two. */
export interface UpdateDeployment {
  /** Requests a minute. */
  readonly rpmLimit?: number | undefined
  /** Tokens a minute. */
  readonly tpmLimit?: number | undefined
}

/** `capacity` with plan `mu`, `ptuCapacity` with plan `ptu`. */
export type ScaleDeployment =
  | { readonly capacity: number; readonly ptuCapacity?: undefined }
  | { readonly ptuCapacity: PtuCapacity; readonly capacity?: undefined }

export interface WaitOptions extends CallOptions {
  /** How long it waits, in ms. A deployment takes 5 to 10 minutes. @default 1_800_000 (half an hour) */
  readonly timeoutMs?: number | undefined
  /** The time from one look to the next, in ms. @default 10_000 */
  readonly pollMs?: number | undefined
  /** Is called with what was seen first, and after that at each change of status. */
  readonly onStatus?: ((deployment: Deployment) => void) | undefined
}

/** What `waitFor` waits for: a status, or that the deployment is gone. */
export type AwaitedStatus = DeploymentStatus | 'GONE'

/** The table of quotas. */
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
  /** Undefined where the service does not say what it deleted. */
  delete(id: string, options?: CallOptions): Promise<Deployment | undefined>
  waitFor(id: string, status: AwaitedStatus | readonly AwaitedStatus[], options?: WaitOptions): Promise<Deployment>
}

/** What `ModelStudio` offers: `new ModelStudio({ apiKey, region })`. What needs no more of it may ask for this. */
export interface ModelStudioApi {
  readonly quotas: QuotasApi
  readonly deployments: DeploymentsApi
}
