import type { Profile } from '../types.js'

/** The names of the built-in profiles. */
export type ProfileName = 'model-studio' | 'openai' | 'azure'

/**
 * Alibaba Cloud Model Studio. Its documentation names limits a minute and a second, but not the kind of window. So the limiter
 * satisfies every kind. `insufficient_quota` with status 429 refers to tokens a minute or a second.
 */
const modelStudio: Profile = {
  name: 'model-studio',
  minuteWindow: 'unknown',
  secondWindow: 'unknown',
  perSecond: true,
  rejectedCost: 0,
  insufficientQuota: 'tokens',
}

/** OpenAI and services like it. Limits apply to a minute. `insufficient_quota` means an unpaid bill. */
const openai: Profile = {
  name: 'openai',
  minuteWindow: 'unknown',
  secondWindow: 'unknown',
  perSecond: false,
  rejectedCost: 1,
  insufficientQuota: 'billing',
}

/** Azure OpenAI. Like OpenAI, but the service also limits requests over shorter times than a minute. */
const azure: Profile = { ...openai, name: 'azure', perSecond: true }

export const profiles: Readonly<Record<ProfileName, Profile>> = { 'model-studio': modelStudio, openai, azure }

/**
 * The profile for the service at `host`: OpenAI's and Azure's by domain, otherwise Model Studio's.
 *
 * Model Studio's also serves proxies and gateways, because it paces most strictly. It also treats no 429 as final if waiting
 * may help.
 */
export function profileOfHost(host: string): Profile {
  if (/(^|\.)(openai\.azure\.com|cognitiveservices\.azure\.com|services\.ai\.azure\.com)$/i.test(host)) return azure
  if (/(^|\.)openai\.com$/i.test(host)) return openai
  return modelStudio
}
