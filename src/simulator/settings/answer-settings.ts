import { InvalidRequest } from '../../errors.js'
import { callback, flag, integer, named, number, oneOf } from '../checks.js'
import { services } from '../errors/dialect.js'
import { errorShapes } from '../errors/throttling.js'
import { faultNames } from '../faults/fault-rates.js'
import type { FaultRates } from '../faults/fault-rates.js'
import type { AnswerOptions, Latency } from '../options/answer-options.js'
import { checkedAnswer, checkedCount } from './script-results.js'
import { faultRateNames, latencyNames } from './option-names.js'

type Optional = 'fail' | 'failOthers' | 'faultRates' | 'answer'

/** The options of responses, checked and with their defaults. */
export interface AnswerSettings
  extends Required<Omit<AnswerOptions, Optional | 'latency'>>, Pick<AnswerOptions, Optional> {
  readonly latency: Required<Latency>
}

/** The names of models that think unless the request turns it off; see {@link AnswerOptions.thinks}. */
const THINKING_MODEL = /^(?:qwq|qvq)|-r1\b|-thinking/i
const retryForms = ['off', 'seconds', 'date', 'milliseconds'] as const

/** @throws InvalidRequest that names the wrong option */
export function answerSettings(options: AnswerOptions): AnswerSettings {
  const { answer, fail, failOthers, faultRates, thinks, countTokens } = options
  if (faultRates !== undefined) checkRates(faultRates)
  return {
    ...(answer !== undefined && { answer: checkedAnswer(callback('answer', answer)) }),
    ...(fail !== undefined && { fail: callback('fail', fail) }),
    ...(failOthers !== undefined && { failOthers: callback('failOthers', failOthers) }),
    ...(faultRates !== undefined && { faultRates }),
    maxOutputTokens: integer('maxOutputTokens', options.maxOutputTokens ?? 8192, 1),
    meanOutputTokens: number('meanOutputTokens', options.meanOutputTokens ?? 120, 1),
    meanThinkingTokens: number('meanThinkingTokens', options.meanThinkingTokens ?? 200, 1),
    thinks: callback('thinks', thinks ?? ((model: string) => THINKING_MODEL.test(model))),
    showsReasoning: flag('showsReasoning', options.showsReasoning ?? true),
    toolCallRate: number('toolCallRate', options.toolCallRate ?? 1, 0, 1),
    chunkTokens: integer('chunkTokens', options.chunkTokens ?? 8, 1),
    countTokens:
      countTokens === undefined
        ? (text: string) => Math.ceil(Buffer.byteLength(text) / 4)
        : checkedCount(callback('countTokens', countTokens)),
    imageTokens: integer('imageTokens', options.imageTokens ?? 1026, 0),
    maxChoices: integer('maxChoices', options.maxChoices ?? 4, 1),
    embeddingDimensions: integer('embeddingDimensions', options.embeddingDimensions ?? 1024, 1),
    embeddingTexts: integer('embeddingTexts', options.embeddingTexts ?? 10, 1),
    embeddingTokens: integer('embeddingTokens', options.embeddingTokens ?? 8192, 1),
    latency: latencyOf(options.latency === undefined ? {} : options.latency),
    service: oneOf('service', options.service ?? 'model-studio', services),
    errorShape: oneOf('errorShape', options.errorShape ?? 'openai', [...errorShapes, 'seeded'] as const),
    rateLimitHeaders: flag('rateLimitHeaders', options.rateLimitHeaders ?? false),
    retryAfter: oneOf('retryAfter', options.retryAfter ?? 'off', retryForms),
  }
}

function latencyOf(latency: Latency): Required<Latency> {
  named('latency', latency, latencyNames)
  return {
    firstTokenMs: number('latency.firstTokenMs', latency.firstTokenMs ?? 20, 0),
    perTokenMs: number('latency.perTokenMs', latency.perTokenMs ?? 0.2, 0),
    jitter: number('latency.jitter', latency.jitter ?? 0.1, 0, 1),
  }
}

function checkRates(rates: FaultRates): void {
  named('faultRates', rates, faultRateNames)
  let sum = 0
  for (const name of faultNames) sum += number(`faultRates.${name}`, rates[name] ?? 0, 0, 1)
  if (sum > 1) throw new InvalidRequest(`simulator option faultRates must add up to at most 1, not ${sum}`)
  number('faultRates.slowBodyMs', rates.slowBodyMs ?? 0, 0)
}
