import { createLimiter, type Grant, type HeadgateEvents, type Limiter, type LimiterOptions } from '../../src/index.js'
import { VirtualClock } from '../support/virtual-clock.js'

const START_MS = 1000

/** What one attempt comes to: a value to return, or what to throw. */
export type Outcome = { readonly throws: unknown } | { readonly returns: unknown }

export const ok: Outcome = { returns: { usage: { prompt_tokens: 0, completion_tokens: 0 } } }

/** A 429 as a `run` of one's own may throw it, in the class's own words. */
export const refusals = {
  requests: { code: 'limit_requests', message: 'You have exceeded your request limit.' },
  tokens: { code: 'insufficient_quota', message: 'Allocated quota exceeded, please increase your quota limit.' },
  surge: { code: 'limit_burst_rate', message: 'Request rate increased too quickly.' },
  capacity: { code: 'Throttling.AllocationQuota', message: 'Throttled due to system capacity limits.' },
  exhausted: { code: 'QuotaExhausted', message: 'Your token-plan 1-week quota has been exhausted.' },
  billing: { code: 'PrepaidBillOverdue', message: 'The prepaid bill is overdue.' },
} as const

export function refusal(kind: keyof typeof refusals, headers: Record<string, string> = {}): Outcome {
  return { throws: { status: 429, code: refusals[kind].code, error: refusals[kind], headers } }
}

export const fault = (status = 500, headers: Record<string, string> = {}): Outcome => ({
  throws: Object.assign(new Error(`status ${status}`), { status, headers }),
})

/** How a promise stands. */
export interface Ending {
  state: 'pending' | 'done' | 'failed'
  value: unknown
  error: unknown
  /** When it ended, in ms since the start. */
  at: number | undefined
}

export interface Sent {
  readonly name: string
  readonly grant: Grant
  /** In ms since the start. */
  readonly at: number
}

/**
 * A limiter in virtual time, without limits a second and without a spread unless asked for, and a record of what was
 * sent.
 */
export function setup(options: LimiterOptions = {}) {
  const clock = new VirtualClock(START_MS)
  const limiter: Limiter = createLimiter({
    perSecond: false,
    startFull: true,
    networkJitterMs: 0,
    random: () => 0,
    clock,
    ...options,
  })
  const now = () => clock.now() - START_MS
  const sent: Sent[] = []

  /** A `run` that takes `tookMs` an attempt; the last outcome stands for all further ones. */
  function server(name: string, outcomes: readonly (Outcome | ((grant: Grant) => Outcome))[] = [ok], tookMs = 10) {
    let attempts = 0
    return async (grant: Grant): Promise<unknown> => {
      sent.push({ name, grant, at: now() })
      if (tookMs > 0) await new Promise<void>((resolve) => void clock.setTimeout(resolve, tookMs))
      const next = outcomes[Math.min(attempts++, outcomes.length - 1)]!
      const outcome = typeof next === 'function' ? next(grant) : next
      if ('throws' in outcome) throw outcome.throws
      return outcome.returns
    }
  }

  /** Follows a promise without waiting for it. */
  function follow(promise: PromiseLike<unknown>): Ending {
    const ending: Ending = { state: 'pending', value: undefined, error: undefined, at: undefined }
    promise.then(
      (value) => Object.assign(ending, { state: 'done', value, at: now() }),
      (error: unknown) => Object.assign(ending, { state: 'failed', error, at: now() }),
    )
    return ending
  }

  /** Schedules a named request whose attempts come to `outcomes`. */
  function send(
    request: Parameters<Limiter['schedule']>[0],
    name: string,
    outcomes?: readonly (Outcome | ((grant: Grant) => Outcome))[],
    tookMs?: number,
  ): Ending {
    return follow(limiter.schedule(request, server(name, outcomes, tookMs)))
  }

  const heard: { [E in keyof HeadgateEvents]: HeadgateEvents[E][] } = {
    admit: [],
    throttled: [],
    fallback: [],
    settle: [],
    limits: [],
    warning: [],
  }
  for (const event of Object.keys(heard) as (keyof HeadgateEvents)[]) {
    limiter.on(event, (payload) => void (heard[event] as unknown[]).push(payload))
  }

  const used = (model: string) =>
    Object.fromEntries((limiter.stats().models[model]?.windows ?? []).map(({ limit, used }) => [limit, used]))

  return {
    clock,
    limiter,
    now,
    sent,
    server,
    follow,
    send,
    heard,
    used,
    /** What was sent, as "name model@ms". */
    sends: () => sent.map(({ name, grant, at }) => `${name} ${grant.model}@${at}`),
  }
}
