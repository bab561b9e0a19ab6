import type { Limits, LimitsRow } from '../types.js'
import { fold, nearest } from './nearest.js'

/** The name of one limit. */
export type LimitField = keyof Limits

/** All limits that a model can have, in the order in which they are shown. */
export const LIMIT_FIELDS = [
  'rpm',
  'tpm',
  'rps',
  'tps',
  'inputTpm',
  'outputTpm',
  'thinkingTpm',
  'concurrency',
] as const satisfies readonly LimitField[]

/** What a row says beside its limits in texts; `maxInputTokens` is a number. */
export const ROW_FIELDS = ['source', 'region', 'date', 'overflowsTo'] as const satisfies readonly Exclude<
  keyof LimitsRow,
  LimitField
>[]

/** What vendors, other clients and habit call our fields, folded to lower-case letters. */
const SYNONYMS: Readonly<Record<LimitField, readonly string[]>> = {
  rpm: [
    'qpm',
    'rpmlimit',
    'maxrpm',
    'requestlimit',
    'requests',
    'requestsperminute',
    'queriesperminute',
    'callsperminute',
  ],
  tpm: ['tpmlimit', 'maxtpm', 'usagelimit', 'tokenlimit', 'tokens', 'tokensperminute', 'totaltpm'],
  rps: ['qps', 'rpslimit', 'requestspersecond', 'queriespersecond', 'callspersecond'],
  tps: ['tpslimit', 'tokenspersecond'],
  inputTpm: ['itpm', 'inputtokens', 'inputtokensperminute'],
  outputTpm: ['otpm', 'outputtokens', 'outputtokensperminute'],
  thinkingTpm: ['thinkingoutputtpm', 'reasoningtpm', 'thinkingtokens', 'thinkingtokensperminute'],
  concurrency: ['maxconcurrency', 'maxconcurrent', 'concurrent', 'parallel', 'maxinflight', 'inflight'],
}

/** Whether `name` is a limit. */
export function isLimitField(name: string): name is LimitField {
  return (LIMIT_FIELDS as readonly string[]).includes(name)
}

/** The field that `name` was probably meant to be: by another name of it, in another spelling, or mistyped. */
export function nearestField(name: string): string | undefined {
  const folded = fold(name)
  const known = LIMIT_FIELDS.find((field) => SYNONYMS[field].includes(folded))
  return known ?? nearest(name, [...LIMIT_FIELDS, ...ROW_FIELDS])
}
