import type { OverflowTarget } from '../limits/resolve-limits.js'
import type { Events } from '../metrics/events.js'
import type { Gate } from '../quota/gate.js'
import type { Overflow } from '../quota/overflow-gate.js'
import type { Profile } from '../types.js'
import type { ModelState } from './model-state.js'

/** Finds the models whose limits take what exceeds the provisioned throughput of others, when it is first needed. */
export class OverflowTargets {
  readonly #find: (model: string, profile: Profile) => ModelState
  readonly #events: Events
  /** How often the limits were configured: a model that was unknown before may be known now. */
  #configurations = 0

  /** `find`: the model of this name; throws where its limits are not known. */
  constructor(find: (model: string, profile: Profile) => ModelState, events: Events) {
    this.#find = find
    this.#events = events
  }

  /** All limits are being configured anew: what was not found is looked for again. */
  reconfigured(): void {
    this.#configurations++
  }

  /** What takes requests that exceed the limits of `model`; undefined: nothing does. */
  of(model: string, profile: Profile, target: OverflowTarget | undefined): Overflow | undefined {
    if (target === undefined || target.model === '' || target.model === model) return undefined
    let gate: Gate | undefined
    let triedAt: number | undefined
    const find = (): Gate | undefined => {
      const isFirst = triedAt === undefined
      triedAt = this.#configurations
      try {
        return this.#find(target.model, profile).gateForOverflow
      } catch (cause) {
        const message = `What exceeds the limits of '${model}' is not limited: ${(cause as Error).message}`
        if (isFirst) this.#events.emit('warning', { model, message, cause })
        return undefined
      }
    }
    return {
      gate: () => {
        if (gate === undefined && triedAt !== this.#configurations) gate = find()
        return gate
      },
      maxInputTokens: target.maxInputTokens,
    }
  }
}
