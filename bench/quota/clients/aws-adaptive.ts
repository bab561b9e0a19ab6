import { AdaptiveRetryStrategy } from '@smithy/util-retry'
import { isRefusal } from '../refusal.js'
import type { ClientKind } from './client.js'

/** The default of the AWS SDKs (documented). */
const MAX_ATTEMPTS = 3

type Token = Parameters<AdaptiveRetryStrategy['recordSuccess']>[0]

/**
 * The adaptive retry mode of the AWS SDKs: its rate limiter and its retries. All requests of a client share one
 * strategy.
 */
export const awsAdaptive: ClientKind = {
  name: 'aws-adaptive',
  packages: ['@smithy/util-retry'],
  usesGlobals: true,
  create({ send }) {
    const strategy = new AdaptiveRetryStrategy(async () => MAX_ATTEMPTS)
    return {
      async submit(job) {
        let token = (await strategy.acquireInitialRetryToken('')) as Token
        for (;;) {
          try {
            const answer = await send(job)
            strategy.recordSuccess(token)
            return answer
          } catch (error) {
            if (!isRefusal(error)) throw error
            token = (await strategy.refreshRetryTokenForRetry(token, { errorType: 'THROTTLING' })) as Token
          }
        }
      },
    }
  },
}
