import type { ServerResponse } from 'node:http'
import type { Clock, TimerHandle } from '../clock.js'
import type { Dialect, ServiceName } from './errors/dialect.js'
import type { LiveExchanges } from './connections.js'
import { mergedHeaders, serviceHeaders } from './headers.js'
import type { Draft, LedgerEntry } from './ledger.js'
import type { Charge } from './metering/charge.js'
import type { Model } from './models.js'
import { Random } from './random.js'
import type { SimulatedRoute } from './requests/request.js'

/** The parts of the simulator that an exchange uses. */
export interface Surroundings {
  readonly clock: Clock
  readonly seed: number
  /** The epoch time at the clock's zero, in milliseconds. */
  readonly epochAtZero: number
  readonly service: ServiceName
  readonly live: LiveExchanges
  /** Makes the changes of limits that have fallen due. It must run before anything is counted. */
  catchUp(): void
}

const JSON_TYPE = 'application/json'
const SSE_TYPE = 'text/event-stream;charset=UTF-8'
/**
 * The number of parts in which a slow body is sent.
 *
 * Chosen: enough that a client sees steady progress. Larger: more timers. Smaller: a long pause before each part, which
 * can look like a stalled connection.
 */
const SLOW_PARTS = 20
const NO_CHARGES: LedgerEntry['charges'] = []

/**
 * One request and its response. It holds the id, the ledger entry, the only timer and the connection.
 *
 * An exchange can end in several ways: a complete response, a destroyed connection, a client that hangs up, or the
 * simulator's close. In each case it finishes once and closes its charge once.
 */
export class Exchange {
  readonly id: string
  /** The service whose error bodies it sends. */
  readonly dialect: Dialect
  /** When it was received, in clock milliseconds. */
  readonly at: number
  readonly random: Random
  readonly entry: Draft<LedgerEntry>
  /** Extra headers of its response, as alternating names and values. */
  readonly headers: string[] = []
  /** Called when the client disconnects before the response is complete. */
  onHangUp: (() => void) | undefined
  readonly #around: Surroundings
  readonly #response: ServerResponse
  #model: Model | undefined
  #charge: Charge | undefined
  #timer: TimerHandle | undefined
  #over = false

  constructor(
    around: Surroundings,
    dialect: Dialect,
    response: ServerResponse,
    n: number,
    route: SimulatedRoute = 'chat',
  ) {
    this.#around = around
    this.dialect = dialect
    this.#response = response
    this.at = around.clock.now()
    this.random = new Random(around.seed, n)
    this.id = this.random.uuid()
    this.entry = {
      id: this.id,
      n,
      route,
      model: '',
      at: this.at,
      admitted: false,
      inputTokens: 0,
      outputTokens: 0,
      chargedAtAdmission: 0,
      charges: NO_CHARGES,
      status: 0,
    }
    around.live.add(this, response.req.socket)
  }

  get clock(): Clock {
    return this.#around.clock
  }

  /** When it was received, in epoch milliseconds. */
  get arrivedAt(): number {
    return Math.floor(this.at + this.#around.epochAtZero)
  }

  /** The current time in epoch milliseconds. */
  get epochNow(): number {
    return Math.floor(this.clock.now() + this.#around.epochAtZero)
  }

  /** Records that the limits admitted the request. */
  admitted(model: Model, charge: Charge): void {
    this.#model = model
    this.#charge = charge
    this.entry.admitted = true
    this.entry.chargedAtAdmission = charge.atAdmission
    this.entry.charges = charge.charges
    const { tally } = model
    tally.admitted += 1
    tally.inFlight += 1
    tally.inputTokens += this.entry.inputTokens
    tally.firstAdmittedAt ??= this.at
    tally.lastAdmittedAt = this.at
  }

  /** Charges `tokens` more output tokens. `thinking` is how many of them are thinking. */
  generated(tokens: number, thinking: number): void {
    this.#around.catchUp()
    this.#charge?.generate(tokens, this.clock.now(), thinking)
  }

  /**
   * Runs `callback` after `delayMs`, or at once if that is 0 or less. It never runs after the exchange is over. Only
   * one callback may be pending.
   */
  after(delayMs: number, callback: () => void): void {
    if (this.#over) return
    if (delayMs <= 0) return this.attempt(callback)
    this.#timer = this.clock.setTimeout(() => {
      this.#timer = undefined
      if (!this.#over) this.attempt(callback)
    }, delayMs)
  }

  /**
   * Runs `callback`. If it throws or rejects, the response is a 500. A user's script can throw, and so can a header that
   * is not valid.
   */
  attempt(callback: () => void | Promise<void>): void {
    const fail = (error: unknown): void => {
      if (this.#response.headersSent) return this.tear()
      const message = error instanceof Error ? error.message : String(error)
      this.send(500, this.dialect.internal(message, this.id))
    }
    try {
      callback()?.catch(fail)
    } catch (error) {
      fail(error)
    }
  }

  /** Sends a complete response. */
  send(status: number, body: string | Buffer, headers?: Readonly<Record<string, string>>, type = JSON_TYPE): void {
    if (this.#over) return
    this.#head(status, type, Buffer.byteLength(body), headers)
    this.finish()
    this.#response.end(body)
  }

  /** Sends the headers and the first `written` characters of a response, then destroys the connection. */
  sendTorn(status: number, body: string, written: number): void {
    if (this.#over) return
    this.#head(status, JSON_TYPE, Buffer.byteLength(body))
    this.tear(body.slice(0, written))
  }

  /** Sends a complete response. The body takes `bodyMs` milliseconds. */
  sendSlowly(status: number, body: string, bodyMs: number): void {
    if (this.#over) return
    const bytes = Buffer.from(body)
    this.#head(status, JSON_TYPE, bytes.length)
    this.#response.flushHeaders()
    const part = Math.ceil(bytes.length / SLOW_PARTS)
    const sendFrom = (offset: number): void => {
      const end = offset + part
      this.#response.write(bytes.subarray(offset, end))
      if (end < bytes.length) return this.after(bodyMs / SLOW_PARTS, () => sendFrom(end))
      this.finish()
      this.#response.end()
    }
    this.after(bodyMs / SLOW_PARTS, () => sendFrom(0))
  }

  openStream(): void {
    if (!this.#over) this.#head(200, SSE_TYPE)
  }

  write(text: string): void {
    if (!this.#over && text !== '') this.#response.write(text)
  }

  endStream(text: string): void {
    if (this.#over) return
    this.finish()
    this.#response.end(text)
  }

  /** Destroys the connection after everything written so far, and `text`, has been sent. */
  tear(text = ''): void {
    if (this.#over) return
    // The response's own socket is undefined while the response waits behind others of the connection.
    const { socket } = this.#response.req
    this.finish()
    if (text !== '') this.#response.write(text)
    else if (this.#response.headersSent) this.#response.flushHeaders()
    socket.destroySoon()
  }

  /** Releases the timer and closes the charge. A second call does nothing. */
  finish(): void {
    if (this.#over) return
    this.#over = true
    const now = this.clock.now()
    if (this.#timer !== undefined) this.clock.clearTimeout(this.#timer)
    this.#around.live.delete(this, this.#response.req.socket)
    this.entry.doneAt = now
    if (this.#charge === undefined || this.#model === undefined) return
    this.#around.catchUp()
    this.#charge.close(now)
    this.entry.outputTokens = this.#charge.outputTokens
    this.#model.tally.outputTokens += this.#charge.outputTokens
    this.#model.tally.inFlight -= 1
  }

  /** Ends the exchange because the client disconnected before the response was complete. */
  hangUp(): void {
    if (this.#over) return
    this.onHangUp?.()
    this.entry.hungUp = true
    this.finish()
  }

  #head(status: number, type: string, length?: number, extra: Readonly<Record<string, string>> = {}): void {
    if (status < 200) throw new RangeError(`a status below 200 does not end a response: ${status}`)
    const now = this.clock.now()
    const times = { arrivedAt: this.arrivedAt, answeredAt: this.epochNow, tookMs: now - this.at }
    const own = ['content-type', type, ...serviceHeaders(this.#around.service, this.id, times), ...this.headers]
    this.#response.writeHead(status, mergedHeaders(own, extra, status === 204 ? undefined : length))
    this.entry.status = status
  }
}
