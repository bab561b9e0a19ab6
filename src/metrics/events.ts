import { InvalidRequest } from '../errors.js'
import type { Limits, ThrottleClass, Usage } from '../types.js'
import { WarningPrinter } from './warning-printer.js'

/** What an event carries that happened in a workspace. */
export interface OfWorkspace {
  /** The workspace's name; left out where the account itself sent the request. */
  readonly workspace?: string
}

/** What an event of one request carries. */
export interface OfRequest {
  /** The request's number within the limiter, from 1: the same in all its events, over all attempts and models. */
  readonly requestId: number
  readonly tenant: string | undefined
}

/** Why a request goes to another model. */
export type FallbackReason =
  /** `from` refused it with a 429; `class` says for which limit. */
  | 'throttled'
  /** The quota of `from` is used up, or its bill is not paid. */
  | 'exhausted'
  /** The limits table says that `from` is retired. */
  | 'retired'
  /** The request is larger than a limit of `from` ever allows. */
  | 'too_large'
  /** At `from` the request would start after its deadline. */
  | 'deadline'
  /** At `from` the request would wait longer than `fallbackAfterWaitMs`. */
  | 'wait'
  /** The limits of `from` became lower while the request waited, and it can no longer pass. */
  | 'limits_changed'

/** What each event carries. Times are ms. */
export interface HeadgateEvents {
  /** A request was admitted and is being sent. */
  admit: OfRequest &
    OfWorkspace & {
      readonly model: string
      /** 1 for the first attempt. */
      readonly attempt: number
      /** How long this attempt waited. */
      readonly waitMs: number
    }
  /** The server refused a request; nothing is sent to its model for `holdMs` from now. */
  throttled: OfRequest &
    OfWorkspace & {
      readonly model: string
      readonly class: ThrottleClass
      readonly code: string
      readonly message: string
      /** 0: the refusal belongs to an episode whose hold is running already. */
      readonly holdMs: number
    }
  /** A request goes to another model. */
  fallback: OfRequest &
    OfWorkspace & {
      readonly from: string
      readonly to: string
      readonly reason: FallbackReason
      /** The class of the 429; left out where `reason` is not `'throttled'`. */
      readonly class?: ThrottleClass
    }
  /** An attempt ended, and its charge was corrected to what it used; without `usage` the reservation stands. */
  settle: OfRequest &
    OfWorkspace & {
      readonly model: string
      readonly reserved: Usage
      readonly usage: Usage | undefined
      /** From sending to this settlement: the end of the answer, the failure, or a `settle()` before it. */
      readonly durationMs: number
    }
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
    this.#emit(event, payload, false)
  }

  /** `hasListener`: by a listener of the workspace that it comes from. */
  #emit<E extends EventName>(event: E, payload: HeadgateEvents[E], hasListener: boolean): void {
    const within = this.#within
    const ownPayload = within === undefined ? payload : { ...payload, workspace: within.workspace }
    const listeners = this.#listeners[event] as Set<Listener<E>> | undefined
    const hasListeners = (listeners?.size ?? 0) > 0
    if (listeners !== undefined) this.#tell(listeners, event, ownPayload)
    if (within !== undefined) within.above.#emit(event, ownPayload, hasListener || hasListeners)
    else if (event === 'warning' && !hasListener && !hasListeners) {
      const { message, code } = payload as HeadgateEvents['warning']
      this.#printer.print(message, code)
    }
  }

  #tell<E extends EventName>(listeners: ReadonlySet<Listener<E>>, event: E, payload: HeadgateEvents[E]): void {
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
