import { checkCreate, checkId, checkNames, checkScale, checkSignal, checkUpdate, wholeNumber } from './arguments.js'
import type { Known } from './arguments.js'
import type { ControlPlaneCall, ControlPlaneCalls } from '../http/control-plane-calls.js'
import { Conflict, NotFound } from '../errors.js'
import { writeFields } from './fields.js'
import { type Page, paged } from '../http/paged.js'
import { isDeployment, readDeployment, readPage } from './rows.js'
import type {
  AwaitedStatus,
  CallOptions,
  CreateDeployment,
  Deployment,
  DeploymentsApi,
  ListOptions,
  Paged,
  ScaleDeployment,
  UpdateDeployment,
  WaitOptions,
} from '../types.js'
import { waitFor } from './wait-for.js'

const PATH = '/deployments'

/**
 * Access to the deployments of the account. An invalid argument throws `InvalidRequest` before anything is sent. Every other failure
 * is a `ModelStudioError`. Transient failures are retried, except those of `create`.
 */
export class Deployments implements DeploymentsApi {
  readonly #calls: ControlPlaneCalls
  /** What was last seen of each, to check what is to change. */
  readonly #known = new Map<string, Known>()

  constructor(calls: ControlPlaneCalls) {
    this.#calls = calls
  }

  list(options: ListOptions = {}): Paged<Deployment> {
    checkNames('options', options, ['pageSize', 'signal'])
    const { pageSize = 20, signal } = options as ListOptions
    checkSignal(signal)
    wholeNumber('pageSize', pageSize, 1, 100)
    return paged(
      'deployments',
      pageSize,
      ({ deployedModel }: Deployment) => deployedModel,
      (pageNo) => {
        const query = { page_no: pageNo, page_size: pageSize }
        const read = (output: Readonly<Record<string, unknown>>): Page<Deployment> =>
          readPage(output, 'deployments', (row) => this.#seen(row))
        return this.#calls.send({ method: 'GET', path: PATH, query, signal, read })
      },
    )
  }

  /** @throws NotFound */
  async get(id: string, options?: CallOptions): Promise<Deployment> {
    checkId(id)
    return this.#send({ method: 'GET', path: pathOf(id) }, options)
  }

  /**
   * Creates a deployment. Billing starts when it is RUNNING. The call is sent once. If no answer comes, use `list` to check.
   *
   * @throws Conflict for a suffix that another one has; NotFound for a model that cannot be deployed
   */
  async create(order: CreateDeployment, options?: CallOptions): Promise<Deployment> {
    checkCreate(order)
    const { ptuCapacity, extraBody, ...fields } = order
    const body = {
      ...writeFields({ ...fields, ptuCapacity: ptuCapacity && writeFields({ ...ptuCapacity }) }),
      ...extraBody,
    }
    const ifUnknown = 'whether the deployment was made is not known: look for it in the list before making it again'
    return this.#send({ method: 'POST', path: PATH, body, ifUnknown }, options)
  }

  /** Sets the limits of a deployment with the plan `mu`, at least one of them. The other one stays. @throws NotFound */
  async update(id: string, limits: UpdateDeployment, options?: CallOptions): Promise<Deployment> {
    checkId(id)
    const body = writeFields({ ...checkUpdate(id, limits, this.#known.get(id) ?? {}) })
    return this.#send({ method: 'PUT', path: `${pathOf(id)}/update`, body }, options)
  }

  /**
   * Sets the units of a deployment with the plan `mu` (0 to 999, a multiple of its `baseCapacity`), or the throughput of one with
   * the plan `ptu`. The plan and the base are checked where this client has seen the deployment before. @throws NotFound
   */
  async scale(id: string, size: ScaleDeployment, options?: CallOptions): Promise<Deployment> {
    checkId(id)
    const { ptuCapacity, ...rest } = checkScale(id, size, this.#known.get(id) ?? {})
    const body = writeFields({ ...rest, ptuCapacity: ptuCapacity && writeFields({ ...ptuCapacity }) })
    return this.#send({ method: 'PUT', path: `${pathOf(id)}/scale`, body }, options)
  }

  /**
   * Deletes a deployment. If an attempt got no answer and the next one finds the deployment gone, the call succeeds.
   *
   * @throws NotFound; Conflict
   */
  async delete(id: string, options?: CallOptions): Promise<Deployment | undefined> {
    checkId(id)
    let mayBeDone = false
    const onUnknown = (): void => {
      mayBeDone = true
    }
    const signal = signalOf(options)
    try {
      const deleted = await this.#calls.send<Deployment | undefined>({
        method: 'DELETE',
        path: pathOf(id),
        signal,
        onUnknown,
        read: (output) => (isDeployment(output) ? readDeployment(output) : undefined),
        readEmpty: () => undefined,
      })
      this.#known.delete(id)
      return deleted
    } catch (error) {
      if (!mayBeDone) throw error
      if (error instanceof Conflict) return this.#goingOr(error, id, signal)
      if (!(error instanceof NotFound)) throw error
      this.#known.delete(id)
      return undefined
    }
  }

  /**
   * Resolves when the deployment reaches the status, or one of several. `'GONE'` means that it no longer exists. Transient faults
   * of the service and of the network do not end the wait.
   *
   * @throws DeploymentFailed if it failed or is being deleted; TimedOut; NotFound; the signal's reason
   */
  async waitFor(
    id: string,
    status: AwaitedStatus | readonly AwaitedStatus[],
    options: WaitOptions = {},
  ): Promise<Deployment> {
    checkId(id)
    return waitFor((signal) => this.get(id, { signal }), this.#calls.clock, id, status, options)
  }

  #send(
    call: Omit<ControlPlaneCall<Deployment>, 'read' | 'signal'>,
    options: CallOptions | undefined,
  ): Promise<Deployment> {
    return this.#calls.send({ ...call, signal: signalOf(options), read: (output) => this.#seen(output) })
  }

  #seen(row: unknown): Deployment {
    const deployment = readDeployment(row)
    const { deployedModel, plan, baseCapacity } = deployment
    this.#known.set(deployedModel, { plan, baseCapacity })
    return deployment
  }

  /** What is going already, or `conflict` where it is not. */
  async #goingOr(conflict: Conflict, id: string, signal: AbortSignal | undefined): Promise<Deployment | undefined> {
    try {
      const found = await this.get(id, { signal })
      if (found.status !== 'DELETING') throw conflict
      return found
    } catch (error) {
      if (!(error instanceof NotFound)) throw error
      return undefined
    }
  }
}

function pathOf(id: string): string {
  return `${PATH}/${encodeURIComponent(id)}`
}

function signalOf(options: CallOptions = {}): AbortSignal | undefined {
  checkNames('options', options, ['signal'])
  const { signal } = options as CallOptions
  checkSignal(signal)
  return signal
}
