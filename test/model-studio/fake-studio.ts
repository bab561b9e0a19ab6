import type { Clock } from '../../src/clock.js'
import type { CallOptions, Deployment, Quota, QuotaListOptions } from '../../src/model-studio/index.js'
import type { Limits } from '../../src/types.js'

/** A row of the table of quotas; `own`: what the workspace has less. */
export function quota(model: string, limits: Limits, own?: Limits, workspaceId = 'llm-1'): Quota {
  return {
    model,
    workspaceId,
    modelLimit: {},
    ...(own && { workspaceLimit: {} }),
    accountLimits: limits,
    limits: { ...limits, ...own },
  }
}

/** A client whose table of quotas is what it is told; each read takes `tookMs`. */
export class FakeStudio {
  reads: { readonly at: number; readonly signal: AbortSignal | undefined }[] = []
  answer: () => Quota[] = () => []
  isSilent = false
  /** To be set before it is read. */
  clock: Clock | undefined
  readonly #tookMs: number

  constructor(tookMs = 0) {
    this.#tookMs = tookMs
  }

  readonly quotas = {
    list: ({ signal }: QuotaListOptions = {}) => {
      const all = async (): Promise<Quota[]> => {
        const clock = this.clock!
        this.reads.push({ at: clock.now() - 1000, signal })
        if (this.isSilent) return new Promise(() => {})
        if (this.#tookMs > 0) await new Promise<void>((resolve) => void clock.setTimeout(resolve, this.#tookMs))
        return this.answer()
      }
      return {
        all,
        async *[Symbol.asyncIterator]() {
          yield* await all()
        },
      }
    },
  }

  /** What a deployment is, at each look. */
  deployment: () => Deployment = () => {
    throw new Error('there is none')
  }

  readonly deployments = {
    get: async (_: string, { signal }: CallOptions = {}): Promise<Deployment> => {
      this.reads.push({ at: this.clock!.now() - 1000, signal })
      if (this.isSilent) return new Promise(() => {})
      return this.deployment()
    },
  }

  /** When it was read, in s since the start. */
  get times(): number[] {
    return this.reads.map(({ at }) => at / 1000)
  }
}
