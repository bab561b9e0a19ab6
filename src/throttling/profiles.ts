import type { Profile } from '../types.js'

/** Names of the profiles that come with the package. */
export type ProfileName = 'model-studio' | 'openai' | 'azure'

/**
 * Alibaba Cloud Model Studio: limits hold a minute and a second (documented); how the windows are counted is not
 * documented, so every kind is satisfied. `insufficient_quota` with status 429 is the minute's or second's tokens.
 */
const modelStudio: Profile = {
  name: 'model-studio',
  minuteWindow: 'unknown',
  secondWindow: 'unknown',
  perSecond: true,
  rejectedCost: 0,
  insufficientQuota: 'tokens',
}

/** OpenAI and services that behave like it: limits a minute; `insufficient_quota` means that the bill is not paid. */
const openai: Profile = {
  name: 'openai',
  minuteWindow: 'unknown',
  secondWindow: 'unknown',
  perSecond: false,
  rejectedCost: 1,
  insufficientQuota: 'billing',
}

/** Azure OpenAI: as OpenAI, and requests are shaped below the minute as well. */
const azure: Profile = { ...openai, name: 'azure', perSecond: true }

export const profiles: Readonly<Record<ProfileName, Profile>> = { 'model-studio': modelStudio, openai, azure }

/**
 * The profile of the service at `host`: OpenAI's and Azure's by their domains, Model Studio's for all others, proxies and
 * gateways among them: it is the strictest in pace, and takes no 429 for final that waiting may help against.
 */
export function profileOfHost(host: string): Profile {
  if (/(^|\.)(openai\.azure\.com|cognitiveservices\.azure\.com|services\.ai\.azure\.com)$/i.test(host)) return azure
  if (/(^|\.)openai\.com$/i.test(host)) return openai
  return modelStudio
}
