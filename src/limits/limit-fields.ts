import type { Limits, LimitsRow } from '../types.js'
import { fold, nearest } from './nearest.js'

/** The name of a limit. */
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

/** The text fields of a row. `maxInputTokens` is not among them, since it is a number. */
export const ROW_FIELDS = ['source', 'region', 'date', 'overflowsTo'] as const satisfies readonly Exclude<
  keyof LimitsRow,
  LimitField
>[]

/** Other names of the fields, as vendors and other clients use them, in lower-case letters without punctuation. */
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

/** Whether `name` is the name of a limit. */
export function isLimitField(name: string): name is LimitField {
  return (LIMIT_FIELDS as readonly string[]).includes(name)
}

/**
 * The field that `name` was probably meant to be: a synonym, another spelling or a typo. Undefined if none is close.
 */
export function nearestField(name: string): string | undefined {
  const folded = fold(name)
  const known = LIMIT_FIELDS.find((field) => SYNONYMS[field].includes(folded))
  return known ?? nearest(name, [...LIMIT_FIELDS, ...ROW_FIELDS])
}
