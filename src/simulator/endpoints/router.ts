import type { ServiceName } from '../errors/dialect.js'
import type { SimulatedRoute } from '../requests/request.js'
import type { Endpoint } from './endpoint.js'

/** The result of routing a request. */
export type Target =
  | { readonly kind: 'metered'; readonly route: SimulatedRoute; readonly named: string | undefined }
  | Other

type Other = {
  /** Whether the path belongs to the control plane or to the simulator itself. */
  readonly isControlPlane: boolean
} & (
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint; readonly params: readonly string[] }
  | { readonly kind: 'method-not-allowed'; readonly allow: string }
  | { readonly kind: 'nothing' }
)

/** The metered endpoints, by their path without the version prefix. */
const METERED: Readonly<Record<string, SimulatedRoute>> = {
  '/chat/completions': 'chat',
  '/completions': 'completions',
  '/embeddings': 'embeddings',
  '/responses': 'responses',
}
const PREFIX = /^(?:\/compatible-mode)?\/v1(?=\/)/
const AZURE_PREFIX = /^\/openai\/v1(?=\/)/
const AZURE_DATED = /^\/openai(?:\/deployments\/([^/]+))?(?=\/)/
const PLANE_PREFIX = /^\/api(?=\/)/

/** Finds the endpoint for a request. */
export class Router {
  readonly #service: ServiceName
  readonly #endpoints: readonly Endpoint[]

  constructor(service: ServiceName, endpoints: readonly Endpoint[]) {
    this.#service = service
    this.#endpoints = endpoints
  }

  target(method: string, path: string, query: string): Target {
    const place = this.#placeOf(path, query)
    if (place === undefined) return this.#endpoint(method, path, true)
    const { rest, named } = place
    const metered = Object.hasOwn(METERED, rest) ? METERED[rest] : undefined
    if (metered !== undefined) {
      if (method === 'POST') return { kind: 'metered', route: metered, named }
      return { kind: 'method-not-allowed', allow: 'POST', isControlPlane: false }
    }
    return named === undefined ? this.#endpoint(method, rest, false) : { kind: 'nothing', isControlPlane: false }
  }

  /** The path without its version prefix, and the model that the path names. Undefined without a version prefix. */
  #placeOf(path: string, query: string): { rest: string; named: string | undefined } | undefined {
    const version = (this.#service === 'azure' ? AZURE_PREFIX : PREFIX).exec(path)?.[0]
    if (version !== undefined) return { rest: path.slice(version.length), named: undefined }
    const dated = this.#service === 'azure' ? AZURE_DATED.exec(path) : null
    if (dated === null || !new URLSearchParams(query).has('api-version')) return undefined
    return { rest: path.slice(dated[0].length), named: dated[1] === undefined ? undefined : decoded(dated[1]) }
  }

  #endpoint(method: string, path: string, whole: boolean): Target {
    const allow: string[] = []
    for (const endpoint of this.#endpoints) {
      if ((endpoint.controlPlane === true) !== whole) continue
      const match = endpoint.path.exec(path)
      if (match === null) continue
      if (endpoint.method === method) {
        return { kind: 'endpoint', endpoint, params: match.slice(1).map(decoded), isControlPlane: whole }
      }
      allow.push(endpoint.method)
    }
    if (allow.length === 0) return { kind: 'nothing', isControlPlane: PLANE_PREFIX.test(path) }
    return { kind: 'method-not-allowed', allow: [...new Set(allow)].join(', '), isControlPlane: whole }
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
