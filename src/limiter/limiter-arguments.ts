import { InvalidRequest, LimiterClosed } from '../errors.js'
import { shown } from '../limits/limit-values.js'
import type { Workspace } from '../models/workspace.js'
import { checkNames } from '../options/check-names.js'

/**
 * Below this, `until` is taken for a span by mistake, in ms: a year. As a time, it would lie in 1970. Chosen. Larger or smaller
 * only changes the hint of the error message.
 */
const MAX_SPAN_MS = 365 * 24 * 3_600_000

/** When the limits end, in ms since 1970; undefined if they do not end. @throws InvalidRequest */
export function untilOf(options: { until?: Date | number | undefined } | undefined): number | undefined {
  if (options === undefined) return undefined
  if (typeof options !== 'object' || options === null)
    throw new InvalidRequest(
      `setLimits(model, limits, options) was given ${shown(options)}: give { until }, or nothing`,
    )
  checkNames('setLimits', options, ['until'])
  const { until } = options
  if (until === undefined) return undefined
  const at = until instanceof Date ? until.getTime() : until
  if (typeof at !== 'number' || !Number.isFinite(at))
    throw new InvalidRequest(`until is ${shown(until)}: give a Date, or ms since 1970`)
  const now = Date.now()
  if (at > now) return at
  const meant =
    at >= 0 && at < MAX_SPAN_MS ? `: give a time, such as Date.now() + ${at}, not a span` : ', which has passed'
  throw new InvalidRequest(`until is ${until instanceof Date ? until.toISOString() : at}${meant}`)
}

/** @throws InvalidRequest if `model` is not a model name */
export function checkModel(model: unknown): void {
  if (typeof model !== 'string' || model === '')
    throw new InvalidRequest(`model is ${shown(model)}: give the model's exact name`)
}

/** @throws InvalidRequest, LimiterClosed if the workspace cannot be created */
export function checkWorkspace(name: unknown, within: Workspace): void {
  if (within.account !== undefined) throw new InvalidRequest('A workspace has none inside: ask the account for it')
  if (typeof name !== 'string' || name === '')
    throw new InvalidRequest(`workspace(name, limits): name is ${shown(name)}: give the name of the workspace`)
  if (within.isClosed) throw new LimiterClosed('The limiter is closed and takes no new workspaces')
}

/** The period of the statistics, in ms; Infinity for all that is kept. @throws InvalidRequest */
export function spanOf(options: { lastMs?: number | undefined } | undefined): number {
  if (options === undefined) return Infinity
  if (typeof options !== 'object' || options === null)
    throw new InvalidRequest(`stats(options) was given ${shown(options)}: give { lastMs }, or nothing`)
  checkNames('stats', options, ['lastMs'])
  const { lastMs = Infinity } = options
  if (typeof lastMs !== 'number' || !(lastMs > 0))
    throw new InvalidRequest(`lastMs is ${shown(lastMs)}: give milliseconds above 0; an hour is kept`)
  return lastMs
}

/** Whether `close` rejects waiting requests. @throws InvalidRequest */
export function isAbandoning(options: { abandon?: boolean | undefined } | undefined): boolean {
  if (options === undefined) return false
  if (typeof options !== 'object' || options === null)
    throw new InvalidRequest(`close(options) was given ${shown(options)}: give { abandon: true }, or nothing`)
  checkNames('close', options, ['abandon'])
  const { abandon = false } = options
  if (typeof abandon !== 'boolean') throw new InvalidRequest(`abandon is ${shown(abandon)}: give true or false`)
  return abandon
}
