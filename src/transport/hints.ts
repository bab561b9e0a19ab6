import { InvalidRequest } from '../errors.js'

/** What a call may tell the limiter beside its request. */
export interface Hints {
  /** Higher ones start first. @default 0 */
  readonly priority?: number
  /** Until when the call must have started, in ms from now. @default no deadline */
  readonly deadlineMs?: number
  /** `false`: no backup model takes over. */
  readonly fallback?: false
}

/** What an adapter tells of the client that it wraps. */
export interface ClientSettings {
  /** The `fetch` that sends. */
  readonly fetch: typeof globalThis.fetch
  /** How long one attempt may take once it is admitted, in ms. */
  readonly timeoutMs: number
  readonly maxRetries: number
  /** The `maxRetries` of the single call: a call whose connection fails the client repeats by itself then. */
  readonly callRetries?: number | undefined
}

/** The keys under which all this travels in a `fetch` call's `init`; the same in every copy of the package. */
const HINTS: unique symbol = Symbol.for('headgate.hints') as never
const SETTINGS: unique symbol = Symbol.for('headgate.client-settings') as never

const CALL_RETRIES: unique symbol = Symbol.for('headgate.call-retries') as never

/** A `RequestInit` that carries hints or settings. */
export type HintedInit = RequestInit & { [HINTS]?: Hints; [SETTINGS]?: ClientSettings; [CALL_RETRIES]?: unknown }

/** Fits wherever an SDK takes options for `fetch`: to types, it has no properties that could clash with theirs. */
export type FetchOptions = Record<never, never>

/**
 * Hints for one call of a wrapped client, as its `fetchOptions`:
 *
 * ```ts
 * await client.chat.completions.create(body, { fetchOptions: hint({ priority: 5 }) })
 * ```
 */
export function hint(hints: Hints): FetchOptions {
  if (typeof hints !== 'object' || hints === null)
    throw new InvalidRequest(`hint(hints) was given ${String(hints)}: give { priority, deadlineMs, fallback }`)
  for (const name of Object.keys(hints)) {
    if (!NAMES.includes(name)) throw new InvalidRequest(`hint() has no '${name}'. There are ${NAMES.join(', ')}`)
  }
  return { [HINTS]: hints } as FetchOptions
}

const NAMES: readonly string[] = ['priority', 'deadlineMs', 'fallback'] satisfies (keyof Hints)[]

export function withSettings(init: RequestInit | undefined, settings: ClientSettings): RequestInit {
  return { ...init, [SETTINGS]: settings } as HintedInit
}

export function settingsOf(init: RequestInit | undefined): ClientSettings | undefined {
  return (init as HintedInit | undefined)?.[SETTINGS]
}

/** `fetchOptions` of a call that was given a `maxRetries` of its own. */
export function withCallRetries(fetchOptions: object | undefined, maxRetries: unknown): object {
  return { ...fetchOptions, [CALL_RETRIES]: maxRetries }
}

export function callRetriesOf(init: RequestInit | undefined): number | undefined {
  const retries = (init as HintedInit | undefined)?.[CALL_RETRIES]
  return Number.isInteger(retries) && (retries as number) >= 0 ? (retries as number) : undefined
}

/** `init` without our keys: what sends may be another limiter's `fetch`, which would take them for its own. */
export function withoutOurKeys(init: RequestInit): RequestInit {
  const { [HINTS]: _hints, [SETTINGS]: _settings, [CALL_RETRIES]: _retries, ...rest } = init as HintedInit
  return rest
}

const PRIORITY_HEADER = 'x-headgate-priority'
/** Asked for by name: to go through all headers costs more than all else that a call does here. */
const DEADLINE_HEADER = 'x-headgate-deadline-ms'
const HINT_HEADERS = [PRIORITY_HEADER, DEADLINE_HEADER, 'x-headgate-tenant']

/** What a call hints at, by its `init` or by headers. */
export function hintsOf(init: HintedInit, headers: Headers): Hints {
  const priority = headers.get(PRIORITY_HEADER)
  const deadline = headers.get(DEADLINE_HEADER)
  if (priority === null && deadline === null) return init[HINTS] ?? {}
  return {
    ...(priority !== null && { priority: Number(priority) }),
    ...(deadline !== null && { deadlineMs: Number(deadline) }),
    ...init[HINTS],
  }
}

export function hasHintHeaders(headers: Headers): boolean {
  return HINT_HEADERS.some((name) => headers.has(name))
}

/** Takes the hints out, so that none is sent. */
export function dropHintHeaders(headers: Headers): void {
  for (const name of HINT_HEADERS) headers.delete(name)
}
