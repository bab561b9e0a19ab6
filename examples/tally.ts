/** The result of a run. */
export interface Result {
  readonly requests: number
  readonly completed: number
  readonly failed: number
  /** HTTP responses with status 429, including those that the client retried. */
  readonly throttled: number
  readonly seconds: number
  /**
   * The share of the quota that was used: charged amount ÷ (limit per second × seconds from the first to the last
   * admission), for the limit with the larger share.
   */
  readonly quotaUse: number
}

/** Counts the requests and responses between a client and the network. */
export class Tally {
  completed = 0
  failed = 0
  throttled = 0
  readonly #limits: { readonly rpm: number; readonly tpm: number }
  readonly #startedAt = performance.now()
  #admitted = 0
  #tokens = 0
  #firstAdmittedAt = Infinity
  #lastAdmittedAt = -Infinity

  constructor(limits: { readonly rpm: number; readonly tpm: number }) {
    this.#limits = limits
  }

  /** The global `fetch`, with counting. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await globalThis.fetch(input, init)
    if (response.status === 429) this.throttled++
    if (response.ok && init?.method?.toUpperCase() === 'POST') {
      // This header says when the request arrived at the service, and so when it was admitted.
      const at = Number(response.headers.get('req-arrive-time') ?? Date.now())
      this.#admitted++
      this.#firstAdmittedAt = Math.min(this.#firstAdmittedAt, at)
      this.#lastAdmittedAt = Math.max(this.#lastAdmittedAt, at)
      const { usage } = (await response.clone().json()) as { usage?: { total_tokens?: number } }
      this.#tokens += usage?.total_tokens ?? 0
    }
    return response
  }

  result(): Result {
    const { completed, failed, throttled } = this
    const admissionSeconds = (this.#lastAdmittedAt - this.#firstAdmittedAt) / 1000
    const share = (charged: number, perMinute: number) => charged / ((perMinute / 60) * admissionSeconds)
    return {
      requests: completed + failed,
      completed,
      failed,
      throttled,
      seconds: Number(((performance.now() - this.#startedAt) / 1000).toFixed(2)),
      quotaUse:
        admissionSeconds > 0
          ? Number(Math.max(share(this.#admitted, this.#limits.rpm), share(this.#tokens, this.#limits.tpm)).toFixed(4))
          : 0,
    }
  }
}
