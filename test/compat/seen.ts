/** Of answers: what tells the time, and what says how long it took. */
const TIMES =
  /^(date|req-arrive-time|req-cost-time|resp-start-time|x-envoy-upstream-service-time|openai-processing-ms)$/

/** Of errors of the network: which of two like connections it was. */
const CONNECTION = new Set(['socket', 'port'])

/**
 * A value as its caller sees it, in plain objects that can be compared: errors with their class and all that they say. Of
 * a `Response` the body is not read.
 */
export function seen(value: unknown, origin: string): unknown {
  const parents: object[] = []
  const plain = (one: unknown): unknown => {
    if (typeof one === 'string') return one.replaceAll(origin, '<origin>')
    if (typeof one === 'function') return undefined
    if (typeof one !== 'object' || one === null) return one
    if (parents.includes(one)) return '<above>'
    parents.push(one)
    const result = fieldsOf(one)
    parents.pop()
    return result
  }
  const fieldsOf = (one: object): unknown => {
    if (Array.isArray(one)) return one.map(plain)
    if (one instanceof Headers) return headersOf(one, plain)
    if (one instanceof Response) return responseOf(one, plain)
    if (ArrayBuffer.isView(one)) return Buffer.from(one.buffer, one.byteOffset, one.byteLength).toString('base64')
    const own = Object.entries(one).filter(([name, field]) => typeof field !== 'function' && isCompared(name, field))
    const fields: Record<string, unknown> = Object.fromEntries(own.map(([name, field]) => [name, plain(field)]))
    // Set by the `openai` client where no loop over the fields meets it.
    if ('_request_id' in one) fields['_request_id'] = one._request_id
    if (!(one instanceof Error)) return fields
    const { name, message, cause } = one
    for (const field of CONNECTION) delete fields[field]
    return { ...fields, class: one.constructor.name, name, message: plain(message), cause: plain(cause) }
  }
  return plain(value)
}

function headersOf(headers: Headers, plain: (value: unknown) => unknown): unknown {
  const kept = [...headers].filter(([name, value]) => isCompared(name, value))
  return Object.fromEntries(kept.map(([name, value]) => [name, plain(value)]))
}

/** All but times, and what the limiter says with the last answer of a failure: that it has repeated enough. */
function isCompared(name: string, value: unknown): boolean {
  return !TIMES.test(name) && !(name === 'x-should-retry' && value === 'false')
}

function responseOf(response: Response, plain: (value: unknown) => unknown): unknown {
  const { status, statusText, ok, redirected, bodyUsed, url, headers } = response
  const hasBody = response.body !== null
  return { status, statusText, ok, redirected, bodyUsed, hasBody, url: plain(url), headers: plain(headers) }
}

/** Where two plain values differ, and how; the first few places. */
export function differencesOf(raw: unknown, wrapped: unknown): string[] {
  const found: string[] = []
  const compare = (path: string, a: unknown, b: unknown): void => {
    if (Object.is(a, b)) return
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
      found.push(`${path || 'it'}: raw ${shown(a)}, wrapped ${shown(b)}`)
      return
    }
    const names = new Set([...Object.keys(a), ...Object.keys(b)])
    if (Array.isArray(a) !== Array.isArray(b)) found.push(`${path}: one is a list`)
    for (const name of names) {
      const field = Array.isArray(a) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`
      compare(field, (a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name])
    }
  }
  compare('', raw, wrapped)
  return found.slice(0, 4)
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}
