/** A worker that reaches the service through a limiter: `GET /<whose limiter>/<door>?service=<url>&text=<what to say>`. */
import { createLimiter, type Limiter } from 'headgate'
import { aborts } from './aborts.js'
import { Chat, MODEL, QUEUED_MODEL, SILENT_MODEL, STALLING_MODEL } from './chat.js'
import { doors } from './doors.js'

const WIDE = { rpm: 600_000, tpm: 600_000_000 }
/** A call each 50 ms: the calls of a few requests that share a limiter are more than a second's. */
const NARROW = { rpm: 1200, tpm: 600_000_000 }

/** Without retries: they would hide what fails once. */
function makeLimiter(): Limiter {
  const limits = { [MODEL]: WIDE, [QUEUED_MODEL]: NARROW, [SILENT_MODEL]: WIDE, [STALLING_MODEL]: WIDE }
  return createLimiter({ limits, maxRetries: 0 })
}

/** Made while the module is loaded, before any request, and used by all of them. */
const shared = makeLimiter()

export default {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const [, owner, name = ''] = decodeURIComponent(url.pathname).split('/')
    const door = doors[name] ?? aborts[name]
    if (door === undefined) return new Response(`no door '${name}'`, { status: 404 })
    try {
      return await door(owner === 'shared' ? shared : makeLimiter(), new Chat(url))
    } catch (error) {
      return new Response(messagesOf(error), { status: 500 })
    }
  },
}

/** What failed, and why: an SDK's error says little itself. */
function messagesOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return cause === undefined ? String(error) : `${String(error)} ← ${messagesOf(cause)}`
}
