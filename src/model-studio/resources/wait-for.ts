import { abortableSleep } from '../../abort-signals.js'
import type { Clock } from '../../clock.js'
import { InvalidRequest } from '../../errors.js'
import { shown } from '../../limits/limit-values.js'
import { AttemptTimeout } from '../../transport/attempt-timeout.js'
import { checkNames, checkSignal, duration } from './arguments.js'
import { isTransient } from '../http/control-plane-calls.js'
import { DeploymentFailed, NotFound, TimedOut } from '../errors.js'
import type { AwaitedStatus, Deployment, WaitOptions } from '../types.js'

/** Final statuses. A deployment does not leave them by itself for another awaited status. */
const FINAL: ReadonlySet<string> = new Set(['FAILED', 'DELETING'])

/** Implements `Deployments.waitFor`. `get` reads the deployment. */
export async function waitFor(
  get: (signal: AbortSignal | undefined) => Promise<Deployment>,
  clock: Clock,
  id: string,
  status: AwaitedStatus | readonly AwaitedStatus[],
  options: WaitOptions,
): Promise<Deployment> {
  const awaited = awaitedOf(status)
  const { timeoutMs, pollMs, signal, onStatus } = optionsOf(options)
  const timeout = new AttemptTimeout(signal, clock, timeoutMs === Infinity ? undefined : timeoutMs)
  let last: Deployment | undefined
  let fault: unknown
  try {
    for (;;) {
      const seen = await look(get, timeout.signal, id, awaited, last)
      if ('fault' in seen) fault = seen.fault
      else {
        fault = undefined
        const isNews = last?.status !== seen.deployment.status
        last = seen.deployment
        if (isNews) onStatus?.(last)
        if (awaited.has(last.status)) return last
        if (isFinal(last.status, awaited)) {
          throw new DeploymentFailed(`${id} is ${last.status}, and will not be ${[...awaited].join(' or ')}`, last)
        }
      }
      await abortableSleep(clock, pollMs, timeout.signal)
    }
  } catch (error) {
    const isOver = timeout.signal?.aborted === true && signal?.aborted !== true
    if (!isOver || error !== timeout.signal?.reason) throw error
    const seen = last === undefined ? 'was never seen' : `is ${last.status}`
    const why = fault instanceof Error ? `; the last look failed: ${fault.message}` : ''
    throw new TimedOut(
      `${id} ${seen} after ${timeoutMs} ms of waiting for ${[...awaited].join(' or ')}${why}`,
      fault === undefined ? {} : { cause: fault },
    )
  } finally {
    timeout.release()
  }
}

/** Polls once. Resolves to the deployment, or to the fault if it may be transient. */
async function look(
  get: (signal: AbortSignal | undefined) => Promise<Deployment>,
  signal: AbortSignal | undefined,
  id: string,
  awaited: ReadonlySet<string>,
  last: Deployment | undefined,
): Promise<{ readonly deployment: Deployment } | { readonly fault: unknown }> {
  try {
    return { deployment: await get(signal) }
  } catch (error) {
    if (error instanceof NotFound && awaited.has('GONE')) {
      return { deployment: { ...(last ?? { deployedModel: id }), status: 'GONE' } }
    }
    if (!isTransient(error)) throw error
    return { fault: error }
  }
}

function isFinal(status: string, awaited: ReadonlySet<string>): boolean {
  return FINAL.has(status) && !awaited.has('GONE')
}

function awaitedOf(status: unknown): ReadonlySet<string> {
  const all: unknown[] = Array.isArray(status) ? status : [status]
  if (all.length > 0 && all.every((one) => typeof one === 'string' && one !== '')) return new Set(all as string[])
  throw new InvalidRequest(`status is ${shown(status)}: give a status such as 'RUNNING', or several`)
}

function optionsOf(options: WaitOptions): {
  timeoutMs: number
  pollMs: number
  signal: AbortSignal | undefined
  onStatus: WaitOptions['onStatus']
} {
  checkNames('options', options, ['timeoutMs', 'pollMs', 'signal', 'onStatus'])
  const { timeoutMs = 1_800_000, pollMs = 10_000, signal, onStatus } = options as WaitOptions
  checkSignal(signal)
  if (onStatus !== undefined && typeof onStatus !== 'function') {
    throw new InvalidRequest(`onStatus is ${shown(onStatus)}: give a function`)
  }
  if (timeoutMs !== Infinity) duration('timeoutMs', timeoutMs, 1)
  return { timeoutMs, pollMs: duration('pollMs', pollMs, 1), signal, onStatus }
}
