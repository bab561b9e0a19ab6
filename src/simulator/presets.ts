import type { SimulatorOptions } from './options/simulator-options.js'

/**
 * Model Studio at its strictest: all limits of the table of Singapore, sliding windows a minute and a second, refused
 * requests counted, a detector of surges, and 429s in every form that was seen. `options` go on top.
 */
export function modelStudio(options: SimulatorOptions = {}): SimulatorOptions {
  return {
    limits: 'model-studio/singapore',
    perSecond: true,
    minuteWindow: 'sliding',
    secondWindow: 'sliding',
    countsRejected: true,
    surge: {},
    errorShape: 'seeded',
    ...options,
  }
}

/**
 * OpenAI: its paths, headers and errors, with `x-ratelimit-*` and `Retry-After`; buckets a minute, nothing a second, the
 * longest output reserved, refused requests counted (all documented by OpenAI). Without `limits`,
 * every model has 500 requests and 200,000 tokens a minute. `options` go on top.
 */
export function openai(options: SimulatorOptions = {}): SimulatorOptions {
  return {
    service: 'openai',
    ...(options.limits === undefined && { defaultLimits: { rpm: 500, tpm: 200_000 } }),
    perSecond: false,
    minuteWindow: 'bucket',
    outputAccounting: 'reserved',
    countsRejected: true,
    rateLimitHeaders: true,
    retryAfter: 'seconds',
    showsReasoning: false,
    maxChoices: 128,
    embeddingTexts: 2048,
    embeddingDimensions: 1536,
    ...options,
  }
}

/**
 * Azure OpenAI: paths `/openai/deployments/{name}/…?api-version=…`, its headers and errors; requests counted by the second
 * as well as by the minute, in fixed windows, the longest output reserved (documented by Azure: requests are evaluated over
 * 1 or 10 seconds). Without `limits`, every deployment has 60 requests and 10,000 tokens a minute. `options` go on top.
 */
export function azure(options: SimulatorOptions = {}): SimulatorOptions {
  return {
    service: 'azure',
    ...(options.limits === undefined && { defaultLimits: { rpm: 60, tpm: 10_000 } }),
    perSecond: 'requests',
    minuteWindow: 'fixed',
    secondWindow: 'fixed',
    outputAccounting: 'reserved',
    countsRejected: true,
    rateLimitHeaders: true,
    retryAfter: 'milliseconds',
    showsReasoning: false,
    maxChoices: 128,
    embeddingTexts: 2048,
    embeddingDimensions: 1536,
    ...options,
  }
}

/**
 * Model Studio at its mildest: the limits of the table of Singapore by the minute alone, in fixed windows, output counted at
 * the end, refused requests free, and every model known. `options` go on top.
 */
export function lenient(options: SimulatorOptions = {}): SimulatorOptions {
  return {
    limits: 'model-studio/singapore',
    defaultLimits: {},
    perSecond: false,
    minuteWindow: 'fixed',
    secondWindow: 'off',
    ...options,
  }
}

/** The presets by name. */
export const presets = { 'model-studio': modelStudio, openai, azure, lenient } as const

export type PresetName = keyof typeof presets
