/** The options of the control plane: the live table of quotas, and deployments. */
export interface ControlPlaneOptions {
  /**
   * The path of the live table (documented; one page of the documents has `/api/v1/models/limits`). @default
   * '/api/v1/quotas'
   */
  readonly quotasPath?: string
  /** The workspace of requests that do not name one (a guess). @default 'llm-simulated' */
  readonly defaultWorkspace?: string
  /**
   * The models that can be deployed (a guess). @default the models of `limits` that are not retired; without `limits`,
   * all
   */
  readonly deployable?: readonly string[]
  /**
   * The model units in one step of `capacity`, by model. Documented: each model has such a number. The numbers are
   * yours.
   * @default 1 for every model
   */
  readonly baseCapacity?: Readonly<Record<string, number>>
  /** How long a deployment is PENDING, in milliseconds (a guess). @default 30_000 */
  readonly pendingMs?: number
  /**
   * The shortest and the longest time from creation to RUNNING, in milliseconds. The seed draws a time between them.
   * Documented: 5 to 10 minutes. @default [300_000, 600_000]
   */
  readonly deployMs?: readonly [from: number, to: number]
  /** How long an update of limits takes, in milliseconds (a guess). @default 10_000 */
  readonly updateMs?: number
  /** How long scaling takes, in milliseconds (a guess). @default 60_000 */
  readonly scaleMs?: number
  /** How long a deployment is DELETING, in milliseconds (a guess). @default 30_000 */
  readonly deleteMs?: number
  /**
   * The status during an update of limits. The documents name UPDATING, but their example of an update has PENDING. A
   * guess: the deployment serves by its old limits during the update. @default 'UPDATING'
   */
  readonly updatingStatus?: 'UPDATING' | 'PENDING'
  /** The status during scaling. The documents name SCALING, but their example has UPDATING. @default 'UPDATING' */
  readonly scalingStatus?: 'UPDATING' | 'SCALING'
  /** Whether a deployment ends in FAILED, by its identifier. The status is documented. @default none does */
  readonly failsToDeploy?: (deployedModel: string) => boolean
}
