import { InvalidRequest } from '../errors.js'
import type { Limits, ThrottleClass, Usage } from '../types.js'

/** The workspace that the event happened in; left out for the account itself. */
export interface OfWorkspace {
  readonly workspace?: string
}

/** The payload of each event. Times are in ms. */
export interface HeadgateEvents {
  /** A request was admitted and is being sent. */
  admit: OfWorkspace & { readonly model: string; readonly attempt: number; readonly waitMs: number }
  /** The service answered a request with a 429, and the limiter holds the model for `holdMs` from now. */
  throttled: OfWorkspace & {
    readonly model: string
    readonly class: ThrottleClass
    readonly code: string
    readonly message: string
    /**
     * 0: an earlier 429 caused the running hold, and this one does not extend it. Infinity: held without a known end.
     */
    readonly holdMs: number
  }
  /** A request moves to another model. */
  fallback: OfWorkspace & { readonly from: string; readonly to: string; readonly why: string }
  /** A request ended, and its reservation was corrected to its usage. Without `usage` the reservation stands. */
  settle: OfWorkspace & { readonly model: string; readonly reserved: Usage; readonly usage: Usage | undefined }
  /** The limits of a model changed. */
  limits: OfWorkspace & { readonly model: string; readonly from: Limits; readonly to: Limits; readonly source: string }
  /** A condition that the user should know of. */
  warning: OfWorkspace & { readonly message: string; readonly model?: string; readonly cause?: unknown }
}

export type EventName = keyof HeadgateEvents

const NAMES: Readonly<Record<EventName, true>> = {
  admit: true,
  throttled: true,
  fallback: true,
  settle: true,
  limits: true,
  warning: true,
}
interface Within {
  readonly above: Events
  readonly workspace: string
}

type Listener<E extends EventName> = (event: HeadgateEvents[E]) => void

/** Typed events. A listener that throws stops neither the other listeners nor the request that caused the event. */
export class Events {
  readonly #listeners: { [E in EventName]?: Set<Listener<E>> } = {}
  readonly #within: Within | undefined

  /** `within`: for the events of a workspace. They also reach the listeners of the account. */
  constructor(within?: Within) {
    this.#within = within
  }

  /**
   * Calls `listener` at each `event`. Returns a function that removes the listener.
   *
   * @throws InvalidRequest for an unknown event, or if `listener` is not a function
   */
  on<E extends EventName>(event: E, listener: Listener<E>): () => void {
    if (!Object.hasOwn(NAMES, event)) {
      throw new InvalidRequest(`There is no event '${String(event)}'. The events are ${Object.keys(NAMES).join(', ')}`)
    }
    if (typeof listener !== 'function')
      throw new InvalidRequest(`on('${event}', listener): give a function as listener`)
    const listeners = ((this.#listeners[event] as Set<Listener<E>> | undefined) ??= new Set<Listener<E>>() as never)
    const own: Listener<E> = (payload) => listener(payload)
    listeners.add(own)
    return () => {
      listeners.delete(own)
    }
  }

  /** Whether the event has a listener here or in the account. A caller can skip building a costly event without one. */
  has(event: EventName): boolean {
    return (this.#listeners[event]?.size ?? 0) > 0 || this.#within?.above.has(event) === true
  }

  emit<E extends EventName>(event: E, payload: HeadgateEvents[E]): void {
    const within = this.#within
    if (within === undefined) {
      this.#tell(event, payload)
      return
    }
    const told = { ...payload, workspace: within.workspace }
    this.#tell(event, told)
    within.above.emit(event, told)
  }

  #tell<E extends EventName>(event: E, payload: HeadgateEvents[E]): void {
    const listeners = this.#listeners[event] as Set<Listener<E>> | undefined
    if (listeners === undefined) return
    for (const listener of listeners) {
      try {
        // An async listener may reject. An unhandled rejection would end the process.
        const returned = listener(payload) as unknown
        if (returned instanceof Promise) returned.catch((cause: unknown) => this.#listenerThrew(event, cause))
      } catch (cause) {
        this.#listenerThrew(event, cause)
      }
    }
  }

  #listenerThrew(event: EventName, cause: unknown): void {
    if (event !== 'warning')
      this.emit('warning', { message: `A listener of '${event}' threw: ${String(cause)}`, cause })
  }
}
