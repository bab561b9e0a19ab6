import { createLimiter } from '../../../src/index.js'
import type { ClientKind } from './client.js'

const MODEL = 'm'

/** This package, with its defaults but for what the row tells. */
export const headgate: ClientKind = {
  name: 'headgate',
  packages: [],
  usesGlobals: false,
  create({ timeline, random, rpm, tpm, perSecond, jitterMs, knowsOutput, triesForMore, profile, send }) {
    const limiter = createLimiter({
      limits: { [MODEL]: { rpm, tpm } },
      perSecond,
      jitterMs,
      profile,
      probeAbove: triesForMore,
      clock: timeline,
      random,
    })
    return {
      submit(job) {
        const { inputTokens, outputTokens, maxTokens } = job
        const request = knowsOutput
          ? { model: MODEL, inputTokens, tokens: inputTokens + outputTokens }
          : { model: MODEL, inputTokens, maxOutputTokens: maxTokens }
        return limiter.schedule(request, async ({ arrived }) => {
          const answer = await send(job)
          const arrivedAt = answer.headers.get('req-arrive-time')
          if (arrivedAt !== null) arrived(Number(arrivedAt))
          return answer
        })
      },
    }
  },
}
