import { isRefusal } from '../refusal.js'
import type { Answer } from '../server.js'
import type { Job } from '../workloads.js'
import { sleep, type ClientKind, type Setting } from './client.js'

/** The defaults of the `openai` client. */
const MAX_RETRIES = 2
const FIRST_DELAY_SECONDS = 0.5
const MAX_DELAY_SECONDS = 8

/**
 * Sends a request as the plain `openai` client does. Clients that only pace use it too.
 *
 * It retries twice after a 429. It waits as long as the server says. Otherwise it waits 0.5 s, doubled each time up to
 * 8 s, less a random part of up to a quarter.
 */
export async function sendWithRetries(setting: Pick<Setting, 'send'>, job: Job): Promise<Answer> {
  for (let retry = 0; ; retry++) {
    try {
      return await setting.send(job)
    } catch (error) {
      if (!isRefusal(error) || retry === MAX_RETRIES) throw error
      await sleep(advisedMs(error.headers) ?? defaultDelayMs(retry))
    }
  }
}

function defaultDelayMs(retry: number): number {
  const seconds = Math.min(FIRST_DELAY_SECONDS * 2 ** retry, MAX_DELAY_SECONDS)
  return seconds * (1 - Math.random() * 0.25) * 1000
}

function advisedMs(headers: Headers): number | undefined {
  const ms = Number.parseFloat(headers.get('retry-after-ms') ?? '')
  if (!Number.isNaN(ms)) return ms
  const text = headers.get('retry-after')
  if (text === null) return undefined
  const seconds = Number.parseFloat(text)
  return Number.isNaN(seconds) ? Date.parse(text) - Date.now() : seconds * 1000
}

/** The plain client. It knows no limits. */
export const openai: ClientKind = {
  name: 'openai',
  packages: ['openai'],
  usesGlobals: true,
  create: (setting) => ({ submit: (job) => sendWithRetries(setting, job) }),
}
