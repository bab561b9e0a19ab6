/** The statuses that a `Response` can be made with. Some gateways answer with others. */
const MIN_STATUS = 200
const MAX_STATUS = 599

/**
 * `original` with another body, after its own was read. A `Response` that is made with `new` has no `url`, and forgets that
 * it was redirected: this one and its clones keep both.
 */
export class RebuiltResponse extends Response {
  readonly #original: Response

  constructor(original: Response, body: BodyInit | null, headers: Headers = original.headers) {
    const { status, statusText, ok } = original
    const isLegal = status >= MIN_STATUS && status <= MAX_STATUS
    super(body, isLegal ? { status, statusText, headers } : { headers })
    this.#original = original
    if (isLegal) return
    Object.defineProperties(this, { status: { value: status }, statusText: { value: statusText }, ok: { value: ok } })
  }

  override get url(): string {
    return this.#original.url
  }

  override get type(): ResponseType {
    return this.#original.type
  }

  override get redirected(): boolean {
    return this.#original.redirected
  }

  override clone(): RebuiltResponse {
    return new RebuiltResponse(this.#original, super.clone().body, this.headers)
  }
}
