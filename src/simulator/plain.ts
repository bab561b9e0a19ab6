import type { Exchange } from './exchange.js'
import type { Fault } from './faults.js'

/** Sends a whole answer, or what a fault that is made for streams leaves of it. */
export function sendPlain(exchange: Exchange, body: string, fault: Fault | undefined): void {
  if (fault !== undefined && 'cutAfterChunks' in fault) {
    return exchange.sendTorn(200, body, Math.floor(body.length / 2))
  }
  if (fault !== undefined && 'streamError' in fault) return exchange.send(500, bodyText(fault.streamError))
  exchange.send(200, body)
}

/** An answer that a script gave, as text. */
export function bodyText(body: unknown): string {
  return typeof body === 'string' ? body : (JSON.stringify(body) ?? '')
}
