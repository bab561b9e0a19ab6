/** The control plane: the live table of quotas, and deployments. */
export interface ControlPlaneOptions {
  /** Where the live table is (documented; one of the vendor's pages prints `/api/v1/models/limits`). @default '/api/v1/quotas' */
  readonly quotasPath?: string
  /** The workspace of requests that name none (the name is a guess). @default 'llm-simulated' */
  readonly defaultWorkspace?: string
  /** The models that can be deployed (a guess). @default those of `limits` that are not retired; without `limits`, every one */
  readonly deployable?: readonly string[]
  /**
   * The number of units that a model is deployed in, of which `capacity` is a multiple (documented that there is one for each
   * model; the numbers are yours). @default 1 for every model
   */
  readonly baseCapacity?: Readonly<Record<string, number>>
  /** How long a deployment is PENDING, in milliseconds (a guess). @default 30_000 */
  readonly pendingMs?: number
  /**
   * How long from its creation until a deployment is RUNNING, in milliseconds: from, to, drawn by the seed (documented: 5 to
   * 10 minutes). @default [300_000, 600_000]
   */
  readonly deployMs?: readonly [from: number, to: number]
  /** How long an update of limits takes, in milliseconds (a guess). @default 10_000 */
  readonly updateMs?: number
  /** How long scaling takes, in milliseconds (a guess). @default 60_000 */
  readonly scaleMs?: number
  /** How long a deployment is DELETING before it is gone, in milliseconds (a guess). @default 30_000 */
  readonly deleteMs?: number
  /**
   * The status while limits are updated: the documents name UPDATING, and print PENDING in their example of an update. What
   * runs goes on serving by its old limits under either name (a guess). @default 'UPDATING'
   */
  readonly updatingStatus?: 'UPDATING' | 'PENDING'
  /** The status while it scales: the documents name SCALING, and print UPDATING in their example. @default 'UPDATING' */
  readonly scalingStatus?: 'UPDATING' | 'SCALING'
  /** Which deployments end in FAILED (a documented status), by the identifier that they were given. @default none */
  readonly failsToDeploy?: (deployedModel: string) => boolean
}
