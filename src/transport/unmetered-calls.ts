/** The largest number of paths that are remembered, and so the largest number of warnings: a path may carry an id. */
const MAX_PATHS = 100
/** The longest body that is parsed, in characters: this takes some milliseconds. */
const MAX_BODY = 1_000_000
/** The longest part of a path that a warning shows, in characters. */
const MAX_SHOWN = 200

/** Warns of calls that look like a model's and are not metered, once for each path. */
export class UnmeteredCalls {
  readonly #warn: (message: string) => void
  readonly #paths = new Set<string>()

  constructor(warn: (message: string) => void) {
    this.#warn = warn
  }

  /** Looks at the arguments of a `fetch` that is not metered, before it is called. Leaves the body as it is, and never throws. */
  observe(input: string | URL | Request, init: RequestInit | undefined): void {
    const request = input instanceof Request ? input : undefined
    const method = init?.method ?? request?.method
    if (method?.toUpperCase() !== 'POST' || this.#paths.size >= MAX_PATHS) return
    const path = pathOf(request?.url ?? String(input))
    if (path === undefined || this.#paths.has(path)) return
    const { body } = init ?? {}
    if (typeof body === 'string') this.#read(path, body)
    else if ((body ?? undefined) === undefined && request !== undefined && isJson(request)) {
      // A clone costs memory while it is read, so each path has one at the most.
      this.#paths.add(path)
      request
        .clone()
        .text()
        .then((text) => this.#read(path, text))
        .catch(() => {})
    }
  }

  #read(path: string, body: string): void {
    if (body.length > MAX_BODY || !body.includes('"model"') || !isModelCall(body)) return
    this.#paths.add(path)
    this.#warn(
      `POST ${path.slice(0, MAX_SHOWN)} looks like a call of a model, and passes without waiting for limits. The limiter meters ` +
        'chat/completions, completions, embeddings and responses. Send other calls through limiter.schedule',
    )
  }
}

function pathOf(url: string): string | undefined {
  return URL.canParse(url, globalThis.location?.href) ? new URL(url, globalThis.location?.href).pathname : undefined
}

function isJson({ headers, bodyUsed, body }: Request): boolean {
  return (
    !bodyUsed && body !== null && headers.get('content-type')?.toLowerCase().startsWith('application/json') === true
  )
}

function isModelCall(text: string): boolean {
  try {
    const { model, ...body } = JSON.parse(text) as Readonly<Record<string, unknown>>
    return typeof model === 'string' && ['messages', 'input', 'prompt'].some((name) => Object.hasOwn(body, name))
  } catch {
    return false
  }
}
