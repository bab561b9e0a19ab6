import { RateLimiter } from 'limiter'
import { reservedTokens, type ClientKind } from './client.js'
import { sendWithRetries } from './openai.js'

/** A bucket of a minute's requests, and a bucket of a minute's tokens. */
export const limiter: ClientKind = {
  name: 'limiter',
  packages: ['limiter'],
  usesGlobals: true,
  create(setting) {
    const requests = new RateLimiter({ tokensPerInterval: setting.rpm, interval: 'minute' })
    const tokens = new RateLimiter({ tokensPerInterval: setting.tpm, interval: 'minute' })
    return {
      async submit(job) {
        await requests.removeTokens(1)
        await tokens.removeTokens(reservedTokens(job, setting))
        return sendWithRetries(setting, job)
      },
    }
  },
}
