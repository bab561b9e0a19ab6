import PQueue from 'p-queue'
import type { ClientKind } from './client.js'
import { sendWithRetries } from './openai.js'

/** At most RPM/60 requests in any second. */
export const pQueue: ClientKind = {
  name: 'p-queue',
  packages: ['p-queue'],
  usesGlobals: true,
  create(setting) {
    const queue = new PQueue({ intervalCap: Math.max(1, Math.floor(setting.rpm / 60)), interval: 1000, strict: true })
    return {
      submit: (job) => queue.add(() => sendWithRetries(setting, job)),
      close: () => queue.clear(),
    }
  },
}
