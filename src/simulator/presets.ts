import type { SimulatorOptions } from './options/simulator-options.js'

/**
 * Options that simulate Model Studio at its strictest.
 *
 * All limits of the Singapore table apply, per minute and per second, in sliding windows. Refused requests count. A
 * surge detector is on. A 429 has any of the forms that users saw. `options` override the preset.
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
 * Options that simulate OpenAI: its paths, headers and errors, with `x-ratelimit-*` and `Retry-After`.
 *
 * Limits per minute are buckets, and there are none per second. The longest output is reserved. Refused requests count.
 * OpenAI documents this behaviour. Without `limits`, every model has 500 requests and 200,000 tokens per minute
 * (chosen). `options` override the preset.
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
 * Options that simulate Azure OpenAI: its paths `/openai/deployments/{name}/…?api-version=…`, headers and errors.
 *
 * Windows are fixed, and the longest output is reserved. Requests are limited per second too: Azure documents that it
 * evaluates them over 1 or 10 seconds. Without `limits`, every deployment has 60 requests and 10,000 tokens per minute
 * (chosen). `options` override the preset.
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
 * Options that simulate Model Studio at its mildest.
 *
 * The limits of the Singapore table apply per minute only, in fixed windows. Output counts at the end. Refused requests
 * do not count. Every model exists. `options` override the preset.
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
