/** A `fetch` that says whether a call is under way. A call is under way until its answer is there in full. */
export class CountedFetch {
  readonly #fetch = globalThis.fetch
  #underWay = 0

  get isBusy(): boolean {
    return this.#underWay > 0
  }

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    this.#underWay++
    try {
      const response = await this.#fetch(input, init)
      const { status, headers } = response
      return new Response(await response.arrayBuffer(), { status, headers })
    } finally {
      this.#underWay--
    }
  }
}
