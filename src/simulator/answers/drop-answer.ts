import type { Exchange } from '../exchange.js'
import type { DropFault } from '../faults/faults.js'
import type { SimulatedRequest } from '../requests/request.js'
import type { Settings } from '../settings/settings.js'
import { embeddingsBody } from './answer-embeddings.js'
import { plainText } from './answer-text.js'

/** Destroys the connection in place of an answer, at the time at which the first token would be sent. */
export function dropAnswer(
  exchange: Exchange,
  request: SimulatedRequest,
  settings: Settings,
  { drop, delayMs = 0 }: DropFault,
): void {
  exchange.after(settings.latency.firstTokenMs + delayMs, () => {
    if (drop !== 'after-headers') return exchange.tear()
    // The headers of a response that is not streamed contain its length, so the body is needed.
    if (!request.stream) return exchange.sendTorn(200, plainBody(exchange, request, settings), 0)
    exchange.openStream()
    exchange.tear()
  })
}

function plainBody(exchange: Exchange, request: SimulatedRequest, settings: Settings): string {
  if (request.route === 'embeddings') return embeddingsBody(request, settings)
  return plainText(request, settings, exchange.random, Math.floor(exchange.arrivedAt / 1000)).body
}
