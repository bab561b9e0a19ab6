import type { Limiter } from 'headgate'
import { APIUserAbortError } from 'openai'
import { SILENT_MODEL, STALLING_MODEL } from './chat.js'
import { clientOf, type Door } from './doors.js'

/** What the worker answers where a call was rejected as it should be. */
export const REJECTED = 'rejected with the reason'

/** Calls that their caller aborts: the worker answers how they ended. */
export const aborts: Readonly<Record<string, Door>> = {
  'a fetch that waits'(limiter, chat) {
    limiter.pause()
    return outcomeOf((signal, abort) => {
      const answer = limiter.fetch(chat.url, chat.init(undefined, { signal }))
      setTimeout(abort)
      return answer
    })
  },

  'a fetch that was sent'(limiter, chat) {
    return outcomeOf((signal, abort) => {
      abortOnceSent(limiter, abort)
      return limiter.fetch(chat.url, chat.init(SILENT_MODEL, { signal }))
    })
  },

  'a stream that is read'(limiter, chat) {
    return outcomeOf(async (signal, abort) => {
      const { body } = await limiter.fetch(chat.url, chat.init(STALLING_MODEL, { stream: true, signal }))
      const reader = body!.getReader()
      await reader.read()
      abort()
      while (!(await reader.read()).done);
    }, isCopy)
  },

  'a schedule that waits'(limiter, chat) {
    limiter.pause()
    return outcomeOf((signal, abort) => {
      const result = limiter.schedule({ model: chat.body().model, signal }, () => 'it ran')
      setTimeout(abort)
      return result
    })
  },

  'a schedule that was sent'(limiter, chat) {
    return outcomeOf(
      (signal, abort) =>
        limiter.schedule({ model: SILENT_MODEL, signal }, async (grant) => {
          const answer = fetch(chat.url, chat.init(grant.model, { signal: grant.signal }))
          abort()
          return (await answer).status
        }),
      isCopy,
    )
  },

  'a call of limitOpenAI that was sent'(limiter, chat) {
    // The client has an error of its own for this.
    const isTheirs = (error: unknown): boolean => error instanceof APIUserAbortError
    return outcomeOf(async (signal, abort) => {
      abortOnceSent(limiter, abort)
      await clientOf(limiter, chat).chat.completions.create(chat.body(SILENT_MODEL), { signal })
    }, isTheirs)
  },
}

/** Calls `abort` when the next request of the limiter is on its way: it is sent in the turn in which it is admitted. */
function abortOnceSent(limiter: Limiter, abort: () => void): void {
  limiter.on('admit', () => void setTimeout(abort))
}

/** workerd's own `fetch` and streams reject with a copy of the reason, where the limiter passes on what they say. */
const isCopy = (error: unknown, reason: Error): boolean => String(error) === String(reason)

async function outcomeOf(
  call: (signal: AbortSignal, abort: () => void) => Promise<unknown>,
  isExpected = (error: unknown, reason: Error): boolean => error === reason,
): Promise<Response> {
  const controller = new AbortController()
  const reason = new Error('the caller has gone')
  try {
    await call(controller.signal, () => controller.abort(reason))
    return new Response('not rejected')
  } catch (error) {
    return new Response(isExpected(error, reason) ? REJECTED : `rejected with ${String(error)}`)
  }
}
