import { createLimiter } from '../../../src/index.js'
import { ForesightLog } from '../output-foresight.js'
import type { Job } from '../workloads.js'
import type { ClientKind } from './client.js'

const MODEL = 'm'

/** This package with its defaults, except for the settings of the row. */
export const headgate: ClientKind = {
  name: 'headgate',
  packages: [],
  usesGlobals: false,
  create({ timeline, random, rpm, tpm, perSecond, networkJitterMs, knowsOutput, triesForMore, profile, send }) {
    const limiter = createLimiter({
      limits: { [MODEL]: { rpm, tpm } },
      perSecond,
      networkJitterMs,
      profile,
      probeHigherLimits: triesForMore,
      clock: timeline,
      random,
    })
    const foresight = new ForesightLog()
    // Responses arrive one at a time, and each is settled before the next arrives.
    let ending: Job | undefined
    if (!knowsOutput) {
      limiter.on('settle', ({ reserved, usage }) => {
        if (ending !== undefined) foresight.ended(ending, reserved.outputTokens, usage !== undefined)
      })
    }
    const sendAndNote = (job: Job) => {
      foresight.sent(job)
      return send(job).finally(() => {
        ending = job
      })
    }
    return {
      submit(job) {
        const { inputTokens, outputTokens, maxTokens } = job
        const request = knowsOutput
          ? { model: MODEL, inputTokens, tokens: inputTokens + outputTokens }
          : { model: MODEL, inputTokens, maxOutputTokens: maxTokens }
        return limiter.schedule(request, async ({ arrived }) => {
          const answer = await (knowsOutput ? send(job) : sendAndNote(job))
          const arrivedAt = answer.headers.get('req-arrive-time')
          if (arrivedAt !== null) arrived(Number(arrivedAt))
          return answer
        })
      },
      foresight() {
        const output = limiter.stats().models[MODEL]?.output
        return knowsOutput || output === undefined ? undefined : foresight.summary(output.error)
      },
    }
  },
}
