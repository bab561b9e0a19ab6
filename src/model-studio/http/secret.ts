import { InvalidRequest } from '../../errors.js'
import { shown } from '../../limits/limit-values.js'

const STANDS_FOR_IT = '[key]'
/** Maximum depth of nested causes that are kept. Chosen. It ends circular causes. A smaller value loses explanations. */
const MAX_DEPTH = 6

/** Holds the API key. Only a request header exposes it. */
export class Secret {
  readonly #key: string

  /** @throws InvalidRequest for what cannot be sent as a header; the message does not have it */
  constructor(key: unknown) {
    if (typeof key !== 'string') throw new InvalidRequest(`apiKey is ${shown(key)}: give the key of the API, a text`)
    if (key === '') throw new InvalidRequest('apiKey is empty: give the key of the API')
    // A header that cannot be sent would be shown whole in the error of `fetch`.
    if (!/^[\x21-\x7e]+$/.test(key)) {
      throw new InvalidRequest(
        "apiKey has white space or characters in it that are not ASCII: give the key alone, without 'Bearer' and line breaks",
      )
    }
    this.#key = key
  }

  get bearer(): string {
    return `Bearer ${this.#key}`
  }

  /** What others wrote, in one line and without the key. Cut it after that: half a key would be shown. */
  hide(text: string): string {
    return text.replaceAll(this.#key, STANDS_FOR_IT).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
  }

  /**
   * What is told of a foreign error: its name, message, code and causes, without the key. Not the error itself: what it carries
   * beside them, such as the request that failed, would show the key.
   */
  hideIn(error: unknown, depth = 0): Error | undefined {
    if (error === undefined || error === null || depth > MAX_DEPTH) return undefined
    if (typeof error !== 'object') return new Error(this.hide(String(error)))
    const { name, message, code, cause, errors } = error as Record<string, unknown>
    const below = this.hideIn(cause, depth + 1)
    const hidden = new Error(this.hide(textOf(message)), below && { cause: below })
    const own = { name: this.hide(textOf(name) || 'Error'), ...(typeof code === 'string' && { code: this.hide(code) }) }
    // Its own frames are below `fetch`, and would be ours here.
    delete hidden.stack
    for (const [field, value] of Object.entries(own)) {
      Object.defineProperty(hidden, field, { value, enumerable: field === 'code', configurable: true, writable: true })
    }
    if (!Array.isArray(errors)) return hidden
    const all = errors.slice(0, 10).map((one) => this.hideIn(one, depth + 1))
    return Object.assign(hidden, { errors: all })
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
