import { startSimulator, type Simulator } from 'headgate/simulator'
import { replyTo, SILENT_MODEL, STALLING_MODEL } from './worker/chat.js'

/** Longer than any check takes, in ms: an answer that is this late never comes. */
const NEVER_MS = 300_000

/** A service on this machine that repeats what it is told, so that no request can pass off another one's answer as its own. */
export function startService(): Promise<Simulator> {
  return startSimulator({
    latency: { firstTokenMs: 0, perTokenMs: 0 },
    answer: ({ body }) => replyTo((body['messages'] as readonly { content: string }[])[0]!.content),
    fail({ model }) {
      if (model === SILENT_MODEL) return { delayMs: NEVER_MS }
      return model === STALLING_MODEL ? { slowBodyMs: NEVER_MS } : undefined
    },
  })
}
