import type { IncomingHttpHeaders } from 'node:http'
import { pageOf, sendOutput } from '../endpoints/endpoint.js'
import type { EndpointCall, Endpoint } from '../endpoints/endpoint.js'
import { parseObject } from '../requests/fields.js'
import type { Deployment } from './deployment.js'
import type { Deployments } from './deployments.js'

const BASE = String.raw`^/api/v1/deployments`

/** The endpoints of deployments: create, list, get, update, scale, delete, and the models that can be deployed. */
export function deploymentEndpoints(deployments: Deployments): Endpoint[] {
  const { settings } = deployments.service
  const { clock, epochMs, controlPlane } = settings
  const epochAtZero = epochMs - clock.now()
  const shown = (deployment: Deployment): unknown => deployment.output(clock.now(), (at) => localTime(at + epochAtZero))
  const endpoint = (method: Endpoint['method'], path: string, answer: (call: EndpointCall) => unknown): Endpoint => ({
    method,
    path: new RegExp(`${BASE}${path}$`),
    controlPlane: true,
    handle: (call) => sendOutput(call.exchange, () => answer(call)),
  })
  return [
    endpoint('POST', '', ({ body, headers }) => {
      const workspace = workspaceOf(headers, controlPlane.defaultWorkspace)
      return shown(deployments.create(parseObject(body.toString()), workspace, clock.now()))
    }),
    endpoint('GET', '', ({ query }) => {
      const { rows, ...page } = pageOf(deployments.list(clock.now()), query, 10)
      return { ...page, deployments: rows.map(shown) }
    }),
    endpoint('GET', '/models', ({ query }) => {
      const { rows, ...page } = pageOf(deployments.deployable(), query, 10)
      const models = rows.map((name) => ({
        model_name: name,
        base_capacity: deployments.baseCapacityOf(name),
        plans: ['mu', 'ptu', 'lora'],
      }))
      return { ...page, models }
    }),
    endpoint('GET', '/([^/]+)', ({ params: [name = ''] }) => shown(deployments.get(name, clock.now()))),
    endpoint('PUT', '/([^/]+)/update', ({ params: [name = ''], body }) =>
      shown(deployments.update(name, parseObject(body.toString()), clock.now())),
    ),
    endpoint('PUT', '/([^/]+)/scale', ({ params: [name = ''], body }) =>
      shown(deployments.scale(name, parseObject(body.toString()), clock.now())),
    ),
    endpoint('DELETE', '/([^/]+)', ({ params: [name = ''] }) => shown(deployments.delete(name, clock.now()))),
  ]
}

/** The workspace that a request names in its header, or `byDefault`. */
export function workspaceOf(headers: IncomingHttpHeaders, byDefault: string): string {
  const named = headers['x-dashscope-workspace']
  return typeof named === 'string' && named !== '' ? named : byDefault
}

/** A time as the control plane writes it: without a zone, and with milliseconds only if they are not 0. */
function localTime(epochMs: number): string {
  const text = new Date(Math.floor(epochMs)).toISOString().slice(0, -1)
  return text.replace(/\.000$/, '')
}
