import type { Socket } from 'node:net'

/** An exchange that must end when its connection closes. */
interface LiveExchange {
  hangUp(): void
}

/**
 * The open exchanges of each connection. When a connection closes, all of its exchanges end.
 *
 * This class must tell them: of pipelined requests, only the first one's response emits an event.
 */
export class LiveExchanges {
  readonly #bySocket = new Map<Socket, Set<LiveExchange>>()

  add(exchange: LiveExchange, socket: Socket): void {
    const known = this.#bySocket.get(socket)
    if (known !== undefined) {
      known.add(exchange)
      return
    }
    const own = new Set([exchange])
    this.#bySocket.set(socket, own)
    socket.once('close', () => {
      this.#bySocket.delete(socket)
      for (const one of own) one.hangUp()
    })
  }

  delete(exchange: LiveExchange, socket: Socket): void {
    this.#bySocket.get(socket)?.delete(exchange)
  }

  hangUpAll(): void {
    for (const own of this.#bySocket.values()) for (const one of own) one.hangUp()
  }
}
