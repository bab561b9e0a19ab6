/** What a run came to. */
export interface Result {
  readonly requests: number
  readonly completed: number
  readonly failed: number
  /** HTTP answers with status 429, those that a client repeated among them. */
  readonly throttled: number
  readonly seconds: number
  /**
   * The largest, over the limits, of what was charged ÷ (limit a second × seconds from the first to the last admission).
   */
  readonly quotaUse: number
}

/** Counts what goes over the wire, whoever sends it: stands between a client and the network. */
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

  /** The network's `fetch`, counted. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await globalThis.fetch(input, init)
    if (response.status === 429) this.throttled++
    if (response.ok && init?.method?.toUpperCase() === 'POST') {
      // The service says when a request arrived; that is when it was admitted.
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
