export type { Clock, TimerHandle } from './clock.js'
export type { OutputLengths } from './tokens/output-estimator.js'
export type { Tokenizer } from './tokens/text-tokens.js'
export type { UsageLike } from './tokens/usage.js'
export type { Grant } from './dispatch/attempt.js'
export type { Hints } from './dispatch/hints.js'
export type { ScheduleRequest } from './dispatch/schedule-request.js'
export {
  HeadgateError,
  headgateErrorOf,
  InvalidLimits,
  InvalidRequest,
  isHeadgateError,
  LimiterClosed,
  QueueFull,
  DeadlineImpossible,
  QuotaExhausted,
  RequestTooLarge,
  type HeadgateErrorCode,
  type HeadgateErrorLike,
  type HeadgateErrorOf,
} from './errors.js'
export { createLimiter, type Limiter } from './limiter.js'
export type { BuiltInTableName } from './limits/built-in-tables.js'
export type { ResolvedLimits, UnknownModel } from './limits/resolve-limits.js'
export type { MeterUse } from './quota/meter-use.js'
export type { Distribution, ModelActivity } from './metrics/collector.js'
export type { EventName, FallbackReason, HeadgateEvents, WarningCode } from './metrics/events.js'
export type { ModelStats, Stats, TenantStats } from './metrics/stats.js'
export type { LimiterOptions } from './options/limiter-options.js'
export { profiles, type ProfileName } from './throttling/profiles.js'
export type { Estimator, EstimatorInput } from './transport/fetch.js'
export type {
  Limits,
  LimitsHost,
  LimitsRow,
  LimitsSource,
  LimitsTable,
  OutputAccounting,
  Profile,
  Route,
  ThrottleClass,
  Usage,
  WindowKind,
} from './types.js'
