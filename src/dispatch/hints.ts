import { InvalidRequest } from '../errors.js'

/** What a caller may say of a request beside its model and its cost. */
export interface Hints {
  /**
   * Higher ones start first; one of which nothing has started for five minutes has a turn before them.
   * @default 0
   */
  readonly priority?: number | undefined
  /**
   * Whose request it is. While several tenants wait at one priority, they share the quota by the limiter's `tenantWeights`; all
   * that name none are one tenant.
   */
  readonly tenant?: string | undefined
  /**
   * Until when it must have started, in ms from the call. One that cannot is refused at once, and none starts late.
   * @default no deadline
   */
  readonly deadlineMs?: number | undefined
  /** `false`: no backup model takes over, whatever the limiter's `fallback` says. */
  readonly fallback?: false | undefined
}

const NAMES: readonly string[] = ['priority', 'tenant', 'deadlineMs', 'fallback'] satisfies (keyof Hints)[]

/** `name` is the function that was given `hints`. @throws InvalidRequest for what is no object, or an unknown hint */
export function checkHintNames(name: string, hints: Hints): void {
  if (typeof hints !== 'object' || hints === null)
    throw new InvalidRequest(`${name}(hints) was given ${String(hints)}: give { ${NAMES.join(', ')} }`)
  for (const given of Object.keys(hints)) {
    if (!NAMES.includes(given)) throw new InvalidRequest(`${name}() has no '${given}'. There are ${NAMES.join(', ')}`)
  }
}

/** @throws InvalidRequest that says which value is wrong */
export function checkHintValues({ priority, tenant, deadlineMs, fallback }: Hints): void {
  if (priority !== undefined && !Number.isFinite(priority)) {
    throw new InvalidRequest(`priority is ${shown(priority)}: give a finite number; higher ones start first`)
  }
  if (tenant !== undefined && (typeof tenant !== 'string' || tenant === '')) {
    throw new InvalidRequest(`tenant is ${shown(tenant)}: give a name, or leave it out`)
  }
  if (deadlineMs !== undefined && !(typeof deadlineMs === 'number' && deadlineMs >= 0)) {
    throw new InvalidRequest(`deadlineMs is ${shown(deadlineMs)}: give milliseconds from the call, 0 or more`)
  }
  // Untyped callers may give anything.
  const given: unknown = fallback
  if (given !== undefined && given !== false) {
    throw new InvalidRequest(`fallback is ${shown(given)}: give false to stay with the model, or leave it out`)
  }
}

/** The hints of `above`, completed by those of `below`. A hint that is undefined is not given. */
export function mergedHints(below: Hints, above: Hints): Hints {
  const { priority = below.priority, tenant = below.tenant } = above
  const { deadlineMs = below.deadlineMs, fallback = below.fallback } = above
  return { priority, tenant, deadlineMs, fallback }
}

/** A value of a request as an error message shows it. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
