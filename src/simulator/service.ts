import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { isHeadgateError } from '../errors.js'
import { dropAnswer } from './answers/drop-answer.js'
import { answerEmbeddings } from './answers/answer-embeddings.js'
import { bodyText } from './answers/send-plain.js'
import { answerText } from './answers/answer-text.js'
import { dialects } from './errors/dialects.js'
import type { Dialect, ErrorForm } from './errors/dialect.js'
import { stateAnswer } from './errors/states.js'
import { errorShapes } from './errors/throttling.js'
import { LiveExchanges } from './connections.js'
import { Exchange } from './exchange.js'
import type { Surroundings } from './exchange.js'
import type { Fault, StatusFault } from './faults/faults.js'
import { drawnFault } from './faults/fault-rates.js'
import { rateLimitHeaders, retryAfterHeaders } from './headers.js'
import { judge } from './judge.js'
import type { Rejected } from './judge.js'
import { EntryLog } from './ledger.js'
import type { Ledger } from './ledger.js'
import { Models } from './models.js'
import type { Model } from './models.js'
import type { ParseRules } from './requests/input-tokens.js'
import { parseBody } from './requests/request.js'
import type { ParsedBody, SimulatedRequest, SimulatedRoute } from './requests/request.js'
import type { Settings } from './settings/settings.js'

/** The simulated service without its transport. It judges requests, counts them and sends the responses. */
export class Service {
  readonly settings: Settings
  readonly models: Models
  readonly dialect: Dialect
  readonly rules: ParseRules
  readonly live = new LiveExchanges()
  readonly #log: EntryLog
  readonly #around: Surroundings
  #metered = 0
  #others = 0

  constructor(settings: Settings) {
    const { clock, seed, epochMs, ledgerSize, service, embeddingTexts, embeddingTokens } = settings
    this.settings = settings
    this.models = new Models(settings)
    this.dialect = dialects[service]
    this.rules = { ...settings, embeddingLimits: { texts: embeddingTexts, tokens: embeddingTokens } }
    this.#log = new EntryLog(ledgerSize)
    const epochAtZero = epochMs - clock.now()
    const catchUp = (): void => this.models.catchUp()
    this.#around = { clock, seed, epochAtZero, live: this.live, service, catchUp }
  }

  /** Begins an unmetered request. The ledger does not list it. */
  unmetered(response: ServerResponse, dialect: Dialect): Exchange {
    this.#others += 1
    return new Exchange(this.#around, dialect, response, -this.#others)
  }

  /** Begins a request to a metered endpoint. */
  metered(response: ServerResponse, route: SimulatedRoute): Exchange {
    this.#metered += 1
    const exchange = new Exchange(this.#around, this.dialect, response, this.#metered, route)
    this.#log.add(exchange.entry)
    return exchange
  }

  /** Whether the service accepts this key. */
  knows(apiKey: string | undefined): boolean {
    const { apiKeys } = this.settings
    return apiKeys === undefined || (apiKey !== undefined && apiKeys.has(apiKey))
  }

  /** Judges a complete request with a valid key, and answers it. `named` is the model that the path names. */
  serve(exchange: Exchange, route: SimulatedRoute, headers: IncomingHttpHeaders, text: string, named?: string): void {
    exchange.attempt(() => {
      const parsed = this.#parse(exchange, route, text, named)
      if (parsed === undefined) return
      const { entry } = exchange
      entry.model = parsed.model
      entry.inputTokens = parsed.inputTokens
      const workspace = headers['x-dashscope-workspace']
      if (typeof workspace === 'string') entry.workspace = workspace
      const model = this.models.find(parsed.model)
      if (model === undefined) return exchange.send(404, this.dialect.modelNotFound(parsed.model, exchange.id))
      model.tally.requests += 1
      this.#judge(exchange, model, { ...parsed, id: exchange.id, n: entry.n, apiKey: keyOf(headers), headers })
    })
  }

  /** Converts clock milliseconds to epoch seconds. */
  epochSeconds(at: number): number {
    return Math.floor((at + this.#around.epochAtZero) / 1000)
  }

  /** The ledger, with the latest `last` entries. @default all kept entries */
  ledger(last?: number): Ledger {
    const at = this.settings.clock.now()
    return { at, entries: this.#log.list(last), dropped: this.#log.dropped, models: this.models.summaries(at) }
  }

  /** Sends the scripted fault of an unmetered request. False if it has none. */
  failOther(exchange: Exchange, method: string, path: string): boolean {
    const fault = this.settings.failOthers?.({ method, path, n: -exchange.entry.n })
    if (fault !== undefined) this.#sendStatus(exchange, fault)
    return fault !== undefined
  }

  #parse(exchange: Exchange, route: SimulatedRoute, text: string, named?: string): ParsedBody | undefined {
    try {
      return parseBody(route, text, this.rules, named)
    } catch (error) {
      if (!isHeadgateError(error, 'invalid_request')) throw error
      exchange.send(400, this.dialect.badRequest(error.message, exchange.id))
      return undefined
    }
  }

  /** Checks the scripted and drawn faults, then the state of the account, then the limits. */
  #judge(exchange: Exchange, model: Model, request: SimulatedRequest): void {
    const fault = this.#faultOf(request)
    if (fault !== undefined && 'status' in fault && fault.charged !== true) return this.#sendStatus(exchange, fault)
    const state = this.models.stateOf(model, exchange.arrivedAt)
    if (state !== undefined) {
      exchange.entry.refusal = 'state'
      model.tally.refused.state += 1
      const { status, body } = stateAnswer(state, this.#form(exchange).shape, exchange.id)
      return exchange.send(status, body)
    }
    const verdict = judge(model, this.models, request, exchange, this.settings)
    if (verdict.overflow) {
      exchange.entry.overflow = true
      exchange.headers.push('x-dashscope-ptu-overflow', 'true')
    }
    if (this.settings.rateLimitHeaders) exchange.headers.push(...rateLimitHeaders(verdict.throttle, exchange.at))
    if ('refused' in verdict) return this.#refuse(exchange, model, verdict)
    if (verdict.aboveFloor) exchange.entry.aboveFloor = true
    exchange.admitted(model, verdict.charge)
    this.#answer(exchange, request, fault)
  }

  #refuse(exchange: Exchange, model: Model, { refused, byWorkspace }: Rejected): void {
    exchange.entry.refusal = refused.limit
    if (byWorkspace) exchange.entry.refusedByWorkspace = true
    model.tally.refused[refused.limit] += 1
    exchange.headers.push(...retryAfterHeaders(this.settings.retryAfter, refused.waitMs, exchange.arrivedAt))
    const body = this.dialect.throttled({ ...refused, form: this.#form(exchange), requestId: exchange.id })
    exchange.send(429, body)
  }

  #answer(exchange: Exchange, request: SimulatedRequest, fault: Fault | undefined): void {
    if (fault !== undefined && 'status' in fault) return this.#sendStatus(exchange, fault)
    if (fault !== undefined && 'drop' in fault) return dropAnswer(exchange, request, this.settings, fault)
    if (request.route === 'embeddings') return answerEmbeddings(exchange, request, this.settings, fault)
    answerText(exchange, request, this.settings, fault)
  }

  #faultOf(request: SimulatedRequest): Fault | undefined {
    const { fail, faultRates, seed } = this.settings
    return fail?.(request, request.n) ?? (faultRates && drawnFault(faultRates, seed, request, this.dialect))
  }

  #sendStatus(exchange: Exchange, fault: StatusFault): void {
    const { status, body, headers, delayMs = 0 } = fault
    const { dialect, id } = exchange
    const text = body === undefined ? dialect.ofStatus(status, this.#form(exchange), id) : bodyText(body)
    exchange.after(delayMs, () => exchange.send(status, text, headers))
  }

  #form(exchange: Exchange): ErrorForm {
    const { errorShape: shape } = this.settings
    if (shape !== 'seeded') return { shape, wording: 0 }
    const drawn = errorShapes[exchange.random.uint32() % errorShapes.length] ?? 'openai'
    return { shape: drawn, wording: exchange.random.uint32() }
  }
}

/** The API key of a request, from its `authorization` or its `api-key` header. */
export function keyOf(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^Bearer\s+(\S+)/i.exec(headers.authorization ?? '')?.[1]
  const own = headers['api-key']
  return bearer ?? (typeof own === 'string' ? own : undefined)
}
