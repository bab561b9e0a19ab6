import type { Exchange } from '../exchange.js'
import type { Fault } from '../faults/faults.js'

/** Sends a response that is not streamed, changed as the fault asks. */
export function sendPlain(exchange: Exchange, body: string, fault: Fault | undefined): void {
  if (fault === undefined) return exchange.send(200, body)
  if ('cutAfterChunks' in fault) return exchange.sendTorn(200, body, Math.floor(body.length / 2))
  if ('streamError' in fault) return exchange.send(500, bodyText(fault.streamError))
  if ('slowBodyMs' in fault) return exchange.sendSlowly(200, body, fault.slowBodyMs)
  exchange.send(200, body)
}

/** A scripted body as text: a string unchanged, anything else as JSON. */
export function bodyText(body: unknown): string {
  return typeof body === 'string' ? body : (JSON.stringify(body) ?? '')
}
