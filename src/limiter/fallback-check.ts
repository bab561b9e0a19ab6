import { didYouMean } from '../limits/did-you-mean.js'
import type { LiveLimits } from '../limits/sources/live-limits.js'
import type { Events } from '../metrics/events.js'
import type { Settings } from '../options/settings.js'

/**
 * Warns once of each model in the option `fallback` that no table names. A misspelt model would run at 60 requests a minute.
 */
export class FallbackCheck {
  readonly #names: readonly string[]
  readonly #limits: Pick<LiveLimits, 'models'>
  readonly #events: Events
  #state: 'open' | 'begun' | 'done'

  constructor(
    { fallback, unknownModel }: Pick<Settings, 'fallback' | 'unknownModel'>,
    limits: Pick<LiveLimits, 'models'>,
    events: Events,
  ) {
    this.#names = [...new Set(Object.entries(fallback).flatMap(([model, backups]) => [model, ...backups]))]
    this.#limits = limits
    this.#events = events
    // With 'reject', each request for an unknown model fails. That error is warning enough.
    this.#state = this.#names.length === 0 || unknownModel === 'reject' ? 'done' : 'open'
  }

  /**
   * Checks in a microtask, so that the caller can add a listener first. A table without rows is not loaded yet. The caller
   * calls this again when the table changes.
   */
  begin(): void {
    if (this.#state !== 'open') return
    this.#state = 'begun'
    queueMicrotask(() => this.#check())
  }

  #check(): void {
    const known = this.#known()
    if (known.length === 0) {
      this.#state = 'open'
      return
    }
    this.#state = 'done'
    for (const model of this.#names) {
      if (known.includes(model)) continue
      const hint = didYouMean(model, known)
      const message = `fallback names the model '${model}', which is in no limits table.${hint}`
      this.#events.emit('warning', { code: 'unknown_fallback', model, message })
    }
  }

  #known(): readonly string[] {
    try {
      return this.#limits.models()
    } catch {
      // The source threw. Each request reports that error.
      return []
    }
  }
}
