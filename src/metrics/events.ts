import { InvalidRequest } from '../errors.js'
import type { Limits, ThrottleClass, Usage } from '../types.js'
import { WarningPrinter } from './warning-printer.js'

/** Where it happened in a workspace: its name. */
export interface OfWorkspace {
  readonly workspace?: string
}

/** What each event carries. Times are ms. */
export interface HeadgateEvents {
  /** A request was admitted and is being sent. */
  admit: OfWorkspace & { readonly model: string; readonly attempt: number; readonly waitMs: number }
  /** The server refused a request; its model's group is held for `holdMs` from now. */
  throttled: OfWorkspace & {
    readonly model: string
    readonly class: ThrottleClass
    readonly code: string
    readonly message: string
    /** 0: the refusal belongs to an episode whose hold is running already. Infinity: until told otherwise. */
    readonly holdMs: number
  }
  /** A request goes to another model. */
  fallback: OfWorkspace & { readonly from: string; readonly to: string; readonly why: string }
  /** A request ended, and its charge was corrected to what it used; without `usage` the reservation stands. */
  settle: OfWorkspace & { readonly model: string; readonly reserved: Usage; readonly usage: Usage | undefined }
  /** The limits of a model changed. */
  limits: OfWorkspace & { readonly model: string; readonly from: Limits; readonly to: Limits; readonly source: string }
  /** Something that a person should know of, once. */
  warning: OfWorkspace & {
    readonly message: string
    readonly model?: string
    readonly cause?: unknown
    /** What it is about, for programs; left out where it has none. */
    readonly code?: WarningCode
  }
}

/**
 * `'unknown_model'`: a model in no table is used. `'unknown_fallback'`: `fallback` names one. `'unmetered_call'`: what looks
 * like a call of a model passes without waiting.
 */
export type WarningCode = 'unknown_model' | 'unknown_fallback' | 'unmetered_call'

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

/**
 * Typed events. A listener that throws stops neither the others nor the request that it hears of. A `warning` that nobody
 * listens to is printed.
 */
export class Events {
  readonly #listeners: { [E in EventName]?: Set<Listener<E>> } = {}
  readonly #within: Within | undefined
  readonly #printer = new WarningPrinter()

  /** `within`: a workspace's, of which the account's hear too. */
  constructor(within?: Within) {
    this.#within = within
  }

  /**
   * Calls `listener` at each `event`; returns the way to stop that.
   *
   * @throws InvalidRequest for an event that there is not, or a listener that is no function
   */
  on<E extends EventName>(event: E, listener: Listener<E>): () => void {
    if (!Object.hasOwn(NAMES, event)) {
      throw new InvalidRequest(`There is no event '${String(event)}'. There are ${Object.keys(NAMES).join(', ')}`)
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

  /** Whether anybody listens: what is costly to say need not be said else. */
  has(event: EventName): boolean {
    return (this.#listeners[event]?.size ?? 0) > 0 || this.#within?.above.has(event) === true
  }

  emit<E extends EventName>(event: E, payload: HeadgateEvents[E]): void {
    this.#emit(event, payload, false)
  }

  /** `isHeard`: by a listener of the workspace that it comes from. */
  #emit<E extends EventName>(event: E, payload: HeadgateEvents[E], isHeard: boolean): void {
    const within = this.#within
    const told = within === undefined ? payload : { ...payload, workspace: within.workspace }
    const listeners = this.#listeners[event] as Set<Listener<E>> | undefined
    const hasListeners = (listeners?.size ?? 0) > 0
    if (listeners !== undefined) this.#tell(listeners, event, told)
    if (within !== undefined) within.above.#emit(event, told, isHeard || hasListeners)
    else if (event === 'warning' && !isHeard && !hasListeners) {
      const { message, code } = payload as HeadgateEvents['warning']
      this.#printer.print(message, code)
    }
  }

  #tell<E extends EventName>(listeners: ReadonlySet<Listener<E>>, event: E, payload: HeadgateEvents[E]): void {
    for (const listener of listeners) {
      try {
        // An async listener is one that may reject: that must not end the process.
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
