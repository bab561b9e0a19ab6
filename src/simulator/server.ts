import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Limits } from '../types.js'
import { Batches } from './batch/batches.js'
import { batchEndpoints } from './batch/batch-endpoints.js'
import { fileEndpoints } from './batch/file-endpoints.js'
import { Files } from './batch/files.js'
import { deploymentEndpoints } from './control-plane/deployment-endpoints.js'
import { Deployments } from './control-plane/deployments.js'
import { quotasEndpoint } from './control-plane/quotas-endpoint.js'
import type { Endpoint } from './endpoints/endpoint.js'
import { ledgerEndpoint, modelEndpoints } from './endpoints/model-endpoints.js'
import { Router } from './endpoints/router.js'
import { handleRequest } from './handle-request.js'
import type { AccountState } from './errors/states.js'
import type { Ledger } from './ledger.js'
import type { SimulatorOptions } from './options/simulator-options.js'
import { Service } from './service.js'
import { settingsOf } from './settings/settings.js'
import type { Settings } from './settings/settings.js'

/** A running simulator. */
export interface Simulator {
  /** The base URL for the `openai` client. */
  readonly url: string
  readonly port: number
  /** What the simulator has counted up to now. `GET /__ledger` returns the same as JSON. */
  ledger(): Ledger
  /**
   * Replaces all limits of a model at once. A model that did not exist does from now on. Limits of a deployment end
   * with it.
   *
   * @throws InvalidLimits
   */
  setLimits(model: string, limits: Limits): void
  /**
   * Replaces all of a workspace's own limits of a model at once.
   *
   * @throws InvalidLimits for a wrong limit, and for one above the account's
   */
  setWorkspaceLimits(workspace: string, model: string, limits: Limits): void
  /**
   * Sets the lasting state of one model, or of the account without `model`. Undefined ends the state.
   *
   * @throws InvalidRequest
   */
  setState(state: AccountState | undefined, model?: string): void
  /**
   * Destroys all connections and frees the port. Requests in flight are charged as if their clients had disconnected.
   */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * How long an idle connection stays open, in ms.
 *
 * Chosen: one minute window, so that a throttled client can reuse its connection after the window. Smaller: more
 * clients send on a connection that the server is closing. Larger: idle connections stay open longer, until `close`.
 */
const KEEP_ALIVE_MS = 60_000
const BASE_PATHS = { 'model-studio': '/compatible-mode/v1', openai: '/v1', azure: '/openai' } as const

/**
 * Starts a local server that throttles like the service.
 *
 * @throws InvalidRequest or InvalidLimits for an unknown or wrong option. The message names the option, its allowed
 * values and the given value.
 * @throws The error of `listen` if the port is in use
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = settingsOf(options)
  const service = new Service(settings)
  const router = new Router(settings.service, endpointsOf(service, settings))
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    handleRequest(service, router, request, response)
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const { port } = await listening(server, settings.port, settings.host)
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => {
    closed ??= new Promise((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
      service.live.hangUpAll()
    })
    return closed
  }
  return {
    url: `http://${urlHost(settings.host)}:${port}${BASE_PATHS[settings.service]}`,
    port,
    ledger: () => service.ledger(),
    setLimits: (model, limits) => service.models.setLimits(model, limits),
    setWorkspaceLimits: (workspace, model, limits) => service.models.setWorkspaceLimits(workspace, model, limits),
    setState: (state, model) => service.models.setState(state, model),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function endpointsOf(service: Service, settings: Settings): Endpoint[] {
  const files = new Files(settings)
  const common = [
    ledgerEndpoint(service),
    ...modelEndpoints(service),
    ...fileEndpoints(service, files),
    ...batchEndpoints(service, new Batches(service, files)),
  ]
  if (settings.service !== 'model-studio') return common
  const deployments = new Deployments(service)
  return [...common, quotasEndpoint(service), ...deploymentEndpoints(deployments)]
}

function listening(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve(server.address() as AddressInfo)
    })
  })
}

/** The host name under which this machine reaches a server that listens on `host`. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
