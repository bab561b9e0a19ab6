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

/** What an exchange needs of the simulator. */
export interface Surroundings {
  readonly clock: Clock
  readonly seed: number
  /** Epoch milliseconds at the clock's zero. */
  readonly epochAtZero: number
  readonly service: ServiceName
  readonly live: LiveExchanges
  /** To be called before anything is counted. */
  catchUp(): void
}

const JSON_TYPE = 'application/json'
const SSE_TYPE = 'text/event-stream;charset=UTF-8'
/** In how many parts a slow body goes out. */
const SLOW_PARTS = 20
const NO_CHARGES: LedgerEntry['charges'] = []

/**
 * One request and the answer to it: its id and number, its place in the ledger, its only timer, and the connection. However
 * it ends (answered, torn down, hung up, closed) it is finished once, and its charge with it.
 */
export class Exchange {
  readonly id: string
  /** Whose words its errors are in. */
  readonly dialect: Dialect
  /** When it was taken, in clock milliseconds. */
  readonly at: number
  readonly random: Random
  readonly entry: Draft<LedgerEntry>
  /** Headers that its answer is to have beside the service's own, names and values in turn. */
  readonly headers: string[] = []
  /** Called when the client is gone before its answer is whole. */
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

  /** The time of its arrival in epoch milliseconds. */
  get arrivedAt(): number {
    return Math.floor(this.at + this.#around.epochAtZero)
  }

  /** The time in epoch milliseconds. */
  get epochNow(): number {
    return Math.floor(this.clock.now() + this.#around.epochAtZero)
  }

  /** The limits let it in. */
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

  /** `tokens` more have been generated, `thinking` of them thinking. */
  generated(tokens: number, thinking: number): void {
    this.#around.catchUp()
    this.#charge?.generate(tokens, this.clock.now(), thinking)
  }

  /** Runs `callback` after the delay, at once if there is none, never once the exchange is over. One at a time. */
  after(delayMs: number, callback: () => void): void {
    if (this.#over) return
    if (delayMs <= 0) return this.attempt(callback)
    this.#timer = this.clock.setTimeout(() => {
      this.#timer = undefined
      if (!this.#over) this.attempt(callback)
    }, delayMs)
  }

  /** Runs `callback`; what it throws (a script of the user's, a header that cannot be sent) becomes a 500. */
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

  /** A whole answer. */
  send(status: number, body: string | Buffer, headers?: Readonly<Record<string, string>>, type = JSON_TYPE): void {
    if (this.#over) return
    this.#head(status, type, Buffer.byteLength(body), headers)
    this.finish()
    this.#response.end(body)
  }

  /** The beginning of a whole answer, of which no more comes. */
  sendTorn(status: number, body: string, written: number): void {
    if (this.#over) return
    this.#head(status, JSON_TYPE, Buffer.byteLength(body))
    this.tear(body.slice(0, written))
  }

  /** A whole answer whose body takes so long. */
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

  /** Takes the connection down, once what was written, and `text`, has gone out. */
  tear(text = ''): void {
    if (this.#over) return
    // Not the response's own socket: it has none yet while it waits behind others of the same connection.
    const { socket } = this.#response.req
    this.finish()
    if (text !== '') this.#response.write(text)
    else if (this.#response.headersSent) this.#response.flushHeaders()
    socket.destroySoon()
  }

  /** Frees everything and closes the charge. The second call does nothing. */
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

  /** The client is gone before its answer is whole. */
  hangUp(): void {
    if (this.#over) return
    this.onHangUp?.()
    this.entry.hungUp = true
    this.finish()
  }

  #head(status: number, type: string, length?: number, extra: Readonly<Record<string, string>> = {}): void {
    if (status < 200) throw new RangeError(`a status below 200 is no answer: ${status}`)
    const now = this.clock.now()
    const times = { arrivedAt: this.arrivedAt, answeredAt: this.epochNow, tookMs: now - this.at }
    const own = ['content-type', type, ...serviceHeaders(this.#around.service, this.id, times), ...this.headers]
    this.#response.writeHead(status, mergedHeaders(own, extra, status === 204 ? undefined : length))
    this.entry.status = status
  }
}
