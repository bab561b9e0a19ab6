/** What a call may tell the limiter beside its request. */
export interface Hints {
  /** Higher ones start first. @default 0 */
  readonly priority?: number
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
}

/** The keys under which both travel in a `fetch` call's `init`; the same in every copy of the package. */
const HINTS: unique symbol = Symbol.for('headgate.hints') as never
const SETTINGS: unique symbol = Symbol.for('headgate.client-settings') as never

/** A `RequestInit` that carries hints or settings. */
export type HintedInit = RequestInit & { [HINTS]?: Hints; [SETTINGS]?: ClientSettings }

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
  return { [HINTS]: hints } as FetchOptions
}

export function withSettings(init: RequestInit | undefined, settings: ClientSettings): RequestInit {
  return { ...init, [SETTINGS]: settings } as HintedInit
}

export function settingsOf(init: RequestInit | undefined): ClientSettings | undefined {
  return (init as HintedInit | undefined)?.[SETTINGS]
}

/** `init` without our keys: what sends may be another limiter's `fetch`, which would take them for its own. */
export function withoutOurKeys(init: RequestInit): RequestInit {
  const { [HINTS]: _hints, [SETTINGS]: _settings, ...rest } = init as HintedInit
  return rest
}

const HEADER_PREFIX = 'x-headgate-'
const PRIORITY_HEADER = `${HEADER_PREFIX}priority`

/** Takes the hints out of a call, so that none is sent: from its `init`, and from `x-headgate-*` headers. */
export function takeHints(init: HintedInit, headers: Headers): Hints {
  const priority = headers.get(PRIORITY_HEADER)
  for (const name of hintHeaders(headers)) headers.delete(name)
  return { ...(priority !== null && { priority: Number(priority) }), ...init[HINTS] }
}

/** The names of the headers that carry hints. */
export function hintHeaders(headers: Headers): string[] {
  return [...headers.keys()].filter((name) => name.startsWith(HEADER_PREFIX))
}
