import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { isHeadgateError } from '../errors.js'
import type { Limits } from '../types.js'
import { answerEmbeddings } from './embeddings.js'
import { bodyOfStatus, errorBodies, errorShapes, refusalClass, throttleBody } from './errors.js'
import type { ErrorShape } from './errors.js'
import { Exchange } from './exchange.js'
import type { Fault, StatusFault } from './faults.js'
import { EntryLog } from './ledger.js'
import type { Ledger } from './ledger.js'
import { Models } from './models.js'
import type { Model } from './models.js'
import type { Settings } from './options.js'
import { bodyText } from './plain.js'
import { parseBody } from './request.js'
import type { ParsedBody, SimulatedRequest, SimulatedRoute } from './request.js'
import { answerText, outputCap } from './text.js'
import type { LimitName } from './throttle.js'

/** The service apart from its transport: it judges requests, counts them, and has them answered. */
export class Service {
  readonly settings: Settings
  readonly models: Models
  /** The exchanges that are not over. */
  readonly live = new Set<Exchange>()
  readonly #log: EntryLog
  readonly #around: ConstructorParameters<typeof Exchange>[0]
  #metered = 0
  #others = 0

  constructor(settings: Settings) {
    const { clock, seed, epochMs, ledgerSize } = settings
    this.settings = settings
    this.models = new Models(settings)
    this.#log = new EntryLog(ledgerSize)
    this.#around = { clock, seed, epochAtZero: epochMs - clock.now(), live: this.live }
  }

  /** A request that is not metered and that the ledger does not list. */
  unmetered(response: ServerResponse): Exchange {
    this.#others -= 1
    return new Exchange(this.#around, response, this.#others)
  }

  /** A request to a metered endpoint, that is taken now. */
  metered(response: ServerResponse, route: SimulatedRoute): Exchange {
    this.#metered += 1
    const exchange = new Exchange(this.#around, response, this.#metered, route)
    this.#log.add(exchange.entry)
    return exchange
  }

  /** Whether this key may enter. */
  knows(apiKey: string | undefined): boolean {
    const { apiKeys } = this.settings
    return apiKeys === undefined || (apiKey !== undefined && apiKeys.has(apiKey))
  }

  /** Judges a request, whole and of a known key, and answers it. */
  serve(exchange: Exchange, route: SimulatedRoute, headers: IncomingHttpHeaders, text: string): void {
    exchange.attempt(() => {
      const parsed = this.#parse(exchange, route, text)
      if (parsed === undefined) return
      exchange.entry.model = parsed.model
      exchange.entry.inputTokens = parsed.inputTokens
      const model = this.models.find(parsed.model)
      if (model === undefined) return exchange.send(404, errorBodies.modelNotFound(parsed.model, exchange.id))
      model.tally.requests += 1
      this.#judge(exchange, model, { ...parsed, id: exchange.id, n: exchange.entry.n, apiKey: keyOf(headers), headers })
    })
  }

  setLimits(model: string, limits: Limits): void {
    this.models.setLimits(model, limits)
  }

  ledger(): Ledger {
    const at = this.settings.clock.now()
    return { at, entries: this.#log.list(), dropped: this.#log.dropped, models: this.models.summaries(at) }
  }

  #parse(exchange: Exchange, route: SimulatedRoute, text: string): ParsedBody | undefined {
    try {
      return parseBody(route, text, this.settings.countTokens)
    } catch (error) {
      if (!isHeadgateError(error, 'invalid_request')) throw error
      exchange.send(400, errorBodies.badRequest(error.message, exchange.id))
      return undefined
    }
  }

  /** Asks the script, then the limits. */
  #judge(exchange: Exchange, model: Model, request: SimulatedRequest): void {
    const fault = this.settings.fail?.(request, request.n)
    if (fault !== undefined && 'status' in fault && fault.charged !== true) return this.#sendStatus(exchange, fault)
    const verdict = model.throttle.admit(request.inputTokens, outputCap(request, this.settings), exchange.at)
    if (typeof verdict === 'string') return this.#refuse(exchange, model, verdict)
    exchange.admitted(model, verdict)
    this.#answer(exchange, request, fault)
  }

  #refuse(exchange: Exchange, model: Model, limit: LimitName): void {
    exchange.entry.refusal = limit
    model.tally.refused[limit] += 1
    exchange.send(429, throttleBody(refusalClass(limit), this.#shape(exchange), exchange.id))
  }

  #answer(exchange: Exchange, request: SimulatedRequest, fault: Fault | undefined): void {
    if (fault !== undefined && 'status' in fault) return this.#sendStatus(exchange, fault)
    if (fault !== undefined && 'drop' in fault) {
      return exchange.after(this.settings.latency.firstTokenMs + (fault.delayMs ?? 0), () => {
        if (fault.drop === 'after-headers') exchange.openStream()
        exchange.tear()
      })
    }
    if (request.route === 'embeddings') return answerEmbeddings(exchange, request, this.settings, fault)
    answerText(exchange, request, this.settings, fault)
  }

  #sendStatus(exchange: Exchange, fault: StatusFault): void {
    const { status, body, headers, delayMs = 0 } = fault
    const text = body === undefined ? bodyOfStatus(status, this.#shape(exchange), exchange.id) : bodyText(body)
    exchange.after(delayMs, () => exchange.send(status, text, headers))
  }

  #shape(exchange: Exchange): ErrorShape {
    const { errorShape } = this.settings
    if (errorShape !== 'seeded') return errorShape
    return errorShapes[exchange.random.uint32() % errorShapes.length] ?? 'openai'
  }
}

/** The key of a request's `authorization` header. */
export function keyOf(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer\s+(\S+)/i.exec(headers.authorization ?? '')?.[1]
}
