import { ControlPlaneError } from '../endpoints/endpoint.js'
import type { ModelRow } from '../model-rows.js'
import { hashOf, Random } from '../random.js'
import { isObject } from '../requests/fields.js'
import type { Fields } from '../requests/fields.js'
import type { Service } from '../service.js'
import { Deployment } from './deployment.js'
import type { Plan, PtuCapacity } from './deployment.js'

const PLANS: readonly Plan[] = ['mu', 'ptu', 'lora']
/** The most characters of a suffix (documented). */
const MAX_SUFFIX = 8
/** A capacity is below this many model units (documented: the error message names it). */
const MAX_CAPACITY = 1000
/** Optional fields of an order. The deployment reports them unchanged. */
const GIVEN = ['model_unit_spec', 'enable_thinking', 'max_context_length', 'service_tier', 'overflow_strategy'] as const

/** The deployments of the simulated account. A request calls one that serves by its identifier. */
export class Deployments {
  readonly service: Service
  readonly #all = new Map<string, Deployment>()

  constructor(service: Service) {
    this.service = service
    service.models.addDeployed({ find: (name) => this.#placeOf(name), names: () => [...this.#all.keys()] })
  }

  /** Orders a deployment. @throws PlaneError */
  create(fields: Fields, workspace: string, now: number): Deployment {
    const modelName = textOf(fields, 'model_name')
    if (modelName === undefined) throw invalid("'model_name' is required.")
    if (!this.#isDeployable(modelName)) throw notFound(modelName)
    const plan = (textOf(fields, 'plan') ?? 'mu') as Plan
    if (!PLANS.includes(plan)) throw invalid(`Invalid plan (${plan}), plan must be one of ${PLANS.join(', ')}.`)
    const deployedModel = this.#nameOf(modelName, textOf(fields, 'suffix'))
    if (this.find(deployedModel, now) !== undefined) {
      throw new ControlPlaneError(
        409,
        'Conflict',
        `Deployed model ${deployedModel} already exists, please specify a suffix.`,
      )
    }
    const baseCapacity = this.baseCapacityOf(modelName)
    const order = {
      deployedModel,
      modelName,
      plan,
      baseCapacity,
      workspace,
      chargeType: textOf(fields, 'charge_type') ?? 'post_paid',
      given: givenOf(fields, plan),
    }
    const limits = limitsOf(fields)
    const sizing =
      plan === 'ptu' ? { ptu: ptuOf(fields) } : { capacity: capacityOf(fields, baseCapacity, plan === 'mu') }
    const { controlPlane, seed } = this.service.settings
    const [from, to] = controlPlane.deployMs
    const deployMs = from + (to - from) * new Random(seed, hashOf(deployedModel)).unit()
    const deployment = new Deployment(order, { ...sizing, ...limits }, controlPlane, deployMs, now)
    this.#all.set(deployedModel, deployment)
    return deployment
  }

  /** The deployment with this identifier; undefined if there is none or it is gone. */
  find(deployedModel: string, now: number): Deployment | undefined {
    const deployment = this.#all.get(deployedModel)
    if (deployment === undefined || deployment.statusAt(now) !== undefined) return deployment
    this.#all.delete(deployedModel)
    return undefined
  }

  /** The deployment with this identifier. @throws PlaneError if there is none */
  get(deployedModel: string, now: number): Deployment {
    const deployment = this.find(deployedModel, now)
    if (deployment === undefined) throw notFound(deployedModel)
    return deployment
  }

  /**
   * The deployment with this identifier, to be changed.
   *
   * @throws PlaneError if there is none, or if it is being deleted
   */
  getToChange(deployedModel: string, now: number): Deployment {
    const deployment = this.get(deployedModel, now)
    if (deployment.statusAt(now) !== 'DELETING') return deployment
    throw new ControlPlaneError(409, 'Conflict', `Deployed model ${deployedModel} is being deleted.`)
  }

  /** Changes the limits of a deployment. @throws PlaneError */
  update(deployedModel: string, fields: Fields, now: number): Deployment {
    const deployment = this.getToChange(deployedModel, now)
    const limits = limitsOf(fields)
    if (limits.rpm === undefined && limits.tpm === undefined) {
      throw invalid('At least one of rpm_limit and tpm_limit is required.')
    }
    if (deployment.order.plan !== 'mu') {
      throw invalid(`The plan ${deployment.order.plan} does not support rpm_limit and tpm_limit.`)
    }
    deployment.update(limits, now)
    return deployment
  }

  /** Changes the model units or the provisioned throughput of a deployment. @throws PlaneError */
  scale(deployedModel: string, fields: Fields, now: number): Deployment {
    const deployment = this.getToChange(deployedModel, now)
    const { plan, baseCapacity } = deployment.order
    if (plan === 'lora') throw invalid('The plan lora does not support scaling.')
    deployment.scale(
      plan === 'ptu' ? { ptu: ptuOf(fields) } : { capacity: capacityOf(fields, baseCapacity, true) },
      now,
    )
    return deployment
  }

  /** Starts to delete a deployment. @throws PlaneError */
  delete(deployedModel: string, now: number): Deployment {
    const deployment = this.getToChange(deployedModel, now)
    deployment.delete(now)
    this.service.models.forgetDeployed(deployedModel)
    return deployment
  }

  /** The deployments that are not gone, the newest first. */
  list(now: number): Deployment[] {
    const found = [...this.#all.keys()].map((name) => this.find(name, now))
    return found.filter((one): one is Deployment => one !== undefined).toReversed()
  }

  /** The models that can be deployed. */
  deployable(): string[] {
    const { deployable } = this.service.settings.controlPlane
    return deployable === undefined ? this.service.models.listed() : [...deployable]
  }

  /** The number of model units of which a capacity must be a multiple. */
  baseCapacityOf(model: string): number {
    const { baseCapacity } = this.service.settings.controlPlane
    return Object.hasOwn(baseCapacity, model) ? (baseCapacity[model] ?? 1) : 1
  }

  /** The row of a deployment. `row` is undefined while it serves nothing. Undefined if there is no such deployment. */
  #placeOf(name: string): { readonly row: ModelRow | undefined } | undefined {
    const now = this.service.settings.clock.now()
    const deployment = this.find(name, now)
    if (deployment === undefined) return undefined
    const { modelName } = deployment.order
    return { row: deployment.rowAt(now, modelName === name ? undefined : this.service.models.rowOf(modelName)) }
  }

  #isDeployable(model: string): boolean {
    const { controlPlane } = this.service.settings
    if (controlPlane.deployable !== undefined) return controlPlane.deployable.has(model)
    return !this.#all.has(model) && this.service.models.exists(model)
  }

  /**
   * The identifier of a new deployment: the model, eight hexadecimal digits, and the suffix if the order has one. The
   * examples of the documents have this form.
   */
  #nameOf(model: string, suffix: string | undefined): string {
    if (suffix !== undefined && (suffix === '' || suffix.length > MAX_SUFFIX || !/^[\w-]+$/.test(suffix))) {
      throw invalid(`Invalid suffix (${suffix}), suffix must have 1 to ${MAX_SUFFIX} letters, digits, - or _.`)
    }
    const digits = new Random(this.service.settings.seed, hashOf(model)).uint32().toString(16).padStart(8, '0')
    return suffix === undefined ? `${model}-${digits}` : `${model}-${digits}-${suffix}`
  }
}

function capacityOf(fields: Fields, base: number, required: boolean): number {
  const { capacity } = fields
  if (capacity === undefined && !required) return base
  if (typeof capacity === 'number' && capacity >= 0 && capacity < MAX_CAPACITY && capacity % base === 0) return capacity
  throw invalid(
    `Invalid capacity (${String(capacity)}), capacity must be larger than or equal to 0 and multiples of ${base} and less than ${MAX_CAPACITY}!`,
  )
}

function ptuOf({ ptu_capacity: ptu }: Fields): PtuCapacity {
  if (!isObject(ptu)) throw invalid('ptu_capacity is required for the plan ptu.')
  const tpmOf = (name: string): number => {
    const value = ptu[name]
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value
    throw invalid(`Invalid ptu_capacity.${name} (${String(value)}), it must be a whole number larger than 0.`)
  }
  const both = { input_tpm: tpmOf('input_tpm'), output_tpm: tpmOf('output_tpm') }
  if (ptu['thinking_output_tpm'] === undefined) return both
  return { ...both, thinking_output_tpm: tpmOf('thinking_output_tpm') }
}

function limitsOf(fields: Fields): { rpm?: number; tpm?: number } {
  const read = (name: string): number | undefined => {
    const value = fields[name]
    if (value === undefined || value === null) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value
    throw invalid(`Invalid ${name} (${String(value)}), it must be a whole number larger than 0.`)
  }
  const [rpm, tpm] = [read('rpm_limit'), read('tpm_limit')]
  return { ...(rpm !== undefined && { rpm }), ...(tpm !== undefined && { tpm }) }
}

function givenOf(fields: Fields, plan: Plan): Record<string, unknown> {
  const given: Record<string, unknown> = plan === 'mu' ? { model_unit_spec: 'MU1' } : {}
  for (const name of GIVEN) if (fields[name] !== undefined) given[name] = fields[name]
  return given
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  throw invalid(`Invalid ${name} (${JSON.stringify(value)}), it must be a string.`)
}

function invalid(message: string): ControlPlaneError {
  return new ControlPlaneError(400, 'InvalidParameter', message)
}

function notFound(model: string): ControlPlaneError {
  return new ControlPlaneError(404, 'NotFound', `Model: ${model} not found!`)
}
