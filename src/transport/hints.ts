import { checkHintNames, type Hints, mergedHints } from '../dispatch/hints.js'
import { InvalidRequest } from '../errors.js'
import { FetchCall, type FetchCallArguments } from './fetch-call.js'

/** What an adapter tells of the client that it wraps. */
export interface ClientSettings {
  /** The `fetch` that sends. */
  readonly fetch: typeof globalThis.fetch
  /** How long one attempt may take once it is admitted, in ms. */
  readonly timeoutMs: number
  readonly maxRetries: number
  /** Whether the client's timeout covers the body of an answer, as that of `openai` 7.5 and later; else only its head. */
  readonly coversBody?: boolean | undefined
  /** The single call, where it was given settings of its own. */
  readonly call?: FetchCall | undefined
}

/** The keys under which all this travels in a `fetch` call's `init`; the same in every copy of the package. */
const HINTS: unique symbol = Symbol.for('headgate.hints') as never
const SETTINGS: unique symbol = Symbol.for('headgate.client-settings') as never

const CALL: unique symbol = Symbol.for('headgate.call') as never

/** A `RequestInit` that carries hints or settings. */
export type HintedInit = RequestInit & { [HINTS]?: Hints; [SETTINGS]?: ClientSettings; [CALL]?: FetchCall }

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
  checkHintNames('hint', hints)
  return { [HINTS]: hints } as FetchOptions
}

export function withSettings(init: RequestInit | undefined, settings: ClientSettings): RequestInit {
  return { ...init, [SETTINGS]: settings } as HintedInit
}

export function settingsOf(init: RequestInit | undefined): ClientSettings | undefined {
  return (init as HintedInit | undefined)?.[SETTINGS]
}

/** `fetchOptions` that carry a call of its own settings: the same one each time that the client sends it. */
export function withCall(fetchOptions: object | undefined, given: FetchCallArguments): object {
  return { ...fetchOptions, [CALL]: callOf(fetchOptions) ?? new FetchCall(given) }
}

export function callOf(init: object | undefined): FetchCall | undefined {
  return (init as HintedInit | undefined)?.[CALL]
}

/** `init` without our keys: what sends may be another limiter's `fetch`, which would take them for its own. */
export function withoutOurKeys(init: RequestInit): RequestInit {
  const { [HINTS]: _hints, [SETTINGS]: _settings, [CALL]: _call, ...rest } = init as HintedInit
  return rest
}

/** Asked for by name: to go through all headers costs more than all else that a call does here. */
const PRIORITY_HEADER = 'x-headgate-priority'
const TENANT_HEADER = 'x-headgate-tenant'
const DEADLINE_HEADER = 'x-headgate-deadline-ms'

/** What a call hints at by its headers; undefined if by none. */
export function headerHints(headers: Headers): Hints | undefined {
  const priority = headers.get(PRIORITY_HEADER)
  const tenant = headers.get(TENANT_HEADER)
  const deadline = headers.get(DEADLINE_HEADER)
  if (priority === null && tenant === null && deadline === null) return undefined
  return {
    ...(priority !== null && { priority: numberOf(PRIORITY_HEADER, priority) }),
    ...(tenant !== null && { tenant }),
    ...(deadline !== null && { deadlineMs: numberOf(DEADLINE_HEADER, deadline) }),
  }
}

function numberOf(header: string, text: string): number {
  const number = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isNaN(number)) throw new InvalidRequest(`The header ${header} is ${JSON.stringify(text)}: give a number`)
  return number
}

/** What a call hints at, by its `init`, which comes first, or by headers. */
export function hintsOf(init: HintedInit, fromHeaders: Hints | undefined): Hints {
  return fromHeaders === undefined ? (init[HINTS] ?? {}) : mergedHints(fromHeaders, init[HINTS] ?? {})
}

/** Takes the hints out, so that none is sent. False if there were none. */
export function dropHintHeaders(headers: Headers): boolean {
  const given = [PRIORITY_HEADER, TENANT_HEADER, DEADLINE_HEADER].filter((name) => headers.has(name))
  for (const name of given) headers.delete(name)
  return given.length > 0
}

/** A call without our hints, for `fetch` to send as it is. */
export function withoutHints(input: string | URL | Request, init: HintedInit | undefined): RequestInit {
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
  const hasOurs = dropHintHeaders(headers)
  return { ...withoutOurKeys(init ?? {}), ...(hasOurs && { headers }) }
}
