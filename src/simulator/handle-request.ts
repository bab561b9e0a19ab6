import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Target } from './endpoints/router.js'
import type { Router } from './endpoints/router.js'
import { controlPlane } from './errors/control-plane.js'
import type { Exchange } from './exchange.js'
import { BodySize } from './requests/body-size.js'
import type { BodyBounds } from './requests/body-size.js'
import { keyOf } from './service.js'
import type { Service } from './service.js'

/**
 * Checks a request in this order: its path, its key, the size of its body. It answers as soon as one of them is wrong,
 * without waiting for the rest of the body. The order is a guess.
 */
export function handleRequest(
  service: Service,
  router: Router,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2)
  const method = request.method ?? ''
  const target = router.target(method, path, query)
  const open = (): Exchange => exchangeOf(service, target, response)
  // The rest of a refused body is read and discarded, so that the connection can be used again.
  const refuse = (answer: (exchange: Exchange) => void): void => {
    request.resume()
    answer(open())
  }
  if (target.kind === 'nothing') {
    return refuse((exchange) => exchange.send(404, exchange.dialect.notFound(path, exchange.id)))
  }
  if (target.kind === 'method-not-allowed') {
    const { allow } = target
    return refuse((exchange) => {
      exchange.send(405, exchange.dialect.methodNotAllowed(method, path, exchange.id), { allow })
    })
  }
  const endpoint = target.kind === 'endpoint' ? target.endpoint : undefined
  const key = keyOf(request.headers)
  if (endpoint?.open !== true && !service.knows(key)) {
    return refuse((exchange) => exchange.send(401, exchange.dialect.badKey(key, exchange.id)))
  }
  receive(request, boundsOf(service, endpoint?.maxBytes), {
    tooLarge: (maxBytes) => {
      refuse((exchange) => exchange.send(413, exchange.dialect.tooLarge(maxBytes, exchange.id)))
    },
    whole: (body) => {
      const exchange = open()
      if (target.kind === 'metered') {
        return service.serve(exchange, target.route, request.headers, body.toString(), target.named)
      }
      exchange.attempt(() => {
        if (target.endpoint.open !== true && service.failOther(exchange, method, path)) return
        const { params } = target
        return target.endpoint.handle({
          exchange,
          params,
          query: new URLSearchParams(query),
          headers: request.headers,
          body,
        })
      })
    },
  })
}

function exchangeOf(service: Service, target: Target, response: ServerResponse): Exchange {
  if (target.kind === 'metered') return service.metered(response, target.route)
  const isFlat = target.isControlPlane && service.settings.service === 'model-studio'
  return service.unmetered(response, isFlat ? controlPlane : service.dialect)
}

function boundsOf({ settings }: Service, own: number | undefined): BodyBounds {
  if (own !== undefined) return { plain: own, total: own }
  return { plain: settings.maxBodyBytes, total: settings.maxTotalBytes }
}

/** Reads a body. `tooLarge` is called as soon as the body, or its announced length, is above a bound. */
function receive(
  request: IncomingMessage,
  bounds: BodyBounds,
  { tooLarge, whole }: { tooLarge: (maxBytes: number) => void; whole: (body: Buffer) => void },
): void {
  if (Number(request.headers['content-length'] ?? 0) > bounds.total) return tooLarge(bounds.total)
  const size = new BodySize(bounds)
  const chunks: Buffer[] = []
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk)
    const exceeded = size.add(chunk)
    if (exceeded === undefined) return
    request.off('data', onData).off('end', onEnd)
    tooLarge(exceeded)
  }
  const onEnd = (): void => {
    const [only] = chunks
    whole(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks))
  }
  request.on('data', onData).on('end', onEnd)
}
