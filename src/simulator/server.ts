import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Limits } from '../types.js'
import { errorBodies } from './errors.js'
import type { Ledger } from './ledger.js'
import { settingsOf } from './options.js'
import type { SimulatorOptions } from './options.js'
import type { SimulatedRoute } from './request.js'
import { keyOf, Service } from './service.js'

/** A running simulator. */
export interface Simulator {
  /** What to give the `openai` client as its `baseURL`. */
  readonly url: string
  readonly port: number
  /** What the server counted so far; also at `GET /__ledger`, as JSON. */
  ledger(): Ledger
  /**
   * Gives a model these limits in place of all that it had, at once; a model that did not exist does from now on.
   *
   * @throws InvalidLimits
   */
  setLimits(model: string, limits: Limits): void
  /** Tears down all connections and frees the port. What was in flight is charged as if the clients had hung up. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const PREFIX = /^(?:\/compatible-mode)?\/v1(?=\/)/
const ROUTES: Readonly<Record<string, SimulatedRoute>> = {
  '/chat/completions': 'chat',
  '/completions': 'completions',
  '/embeddings': 'embeddings',
}
const KEEP_ALIVE_MS = 60_000

/**
 * Starts a server that throttles like the vendor's.
 *
 * @throws InvalidRequest or InvalidLimits for an option that it cannot take; what `listen` throws for a port in use.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = settingsOf(options)
  const service = new Service(settings)
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    route(service, request, response)
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
      for (const exchange of service.live) exchange.hangUp()
    })
    return closed
  }
  return {
    url: `http://${urlHost(settings.host)}:${port}/compatible-mode/v1`,
    port,
    ledger: () => service.ledger(),
    setLimits: (model, limits) => service.setLimits(model, limits),
    close,
    [Symbol.asyncDispose]: close,
  }
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

/** The host under which this machine reaches what it listens on. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

function route(service: Service, request: IncomingMessage, response: ServerResponse): void {
  const [path = '/'] = (request.url ?? '/').split('?', 1)
  const prefix = PREFIX.exec(path)?.[0]
  const endpoint = prefix === undefined ? path : path.slice(prefix.length)
  const metered = prefix !== undefined && Object.hasOwn(ROUTES, endpoint) ? ROUTES[endpoint] : undefined
  if (metered !== undefined && request.method === 'POST') return receive(service, metered, request, response)
  const exchange = service.unmetered(response)
  request.resume()
  const list = prefix !== undefined && (endpoint === '/models' || endpoint.startsWith('/models/'))
  const known = list || metered !== undefined || path === '/__ledger'
  if (!known) return exchange.send(404, errorBodies.notFound(path, exchange.id))
  const allow = metered === undefined ? 'GET' : 'POST'
  if (request.method !== allow) {
    const body = errorBodies.wrongMethod(request.method ?? '', path, exchange.id)
    return exchange.send(405, body, { allow })
  }
  if (path === '/__ledger') return exchange.send(200, JSON.stringify(service.ledger()))
  if (!service.knows(keyOf(request.headers))) return exchange.send(401, errorBodies.badKey())
  sendModels(service, endpoint, exchange)
}

function sendModels(service: Service, endpoint: string, exchange: ReturnType<Service['unmetered']>): void {
  const created = Math.floor(service.settings.epochMs / 1000)
  const card = (id: string): unknown => ({ id, object: 'model', created, owned_by: 'system' })
  if (endpoint === '/models') {
    const data = service.models.names().map(card)
    return exchange.send(200, JSON.stringify({ object: 'list', data }))
  }
  const name = decoded(endpoint.slice('/models/'.length))
  if (service.models.exists(name)) return exchange.send(200, JSON.stringify(card(name)))
  exchange.send(404, errorBodies.modelNotFound(name, exchange.id))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Reads the body, then serves the request. A body that is too long is read to its end and thrown away. */
function receive(service: Service, metered: SimulatedRoute, request: IncomingMessage, response: ServerResponse): void {
  const { maxBodyBytes } = service.settings
  let chunks: Buffer[] = []
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= maxBodyBytes) chunks.push(chunk)
    else chunks = []
  })
  request.on('end', () => {
    const exchange = service.metered(response, metered)
    if (bytes > maxBodyBytes) return exchange.send(413, errorBodies.tooLarge(maxBodyBytes, exchange.id))
    if (!service.knows(keyOf(request.headers))) return exchange.send(401, errorBodies.badKey())
    const [only] = chunks
    const body = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
    service.serve(exchange, metered, request.headers, body.toString())
  })
}
