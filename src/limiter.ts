import { Dispatcher } from './dispatch/dispatcher.js'
import { ClockPhaseEstimator } from './learning/clock-phase-estimator.js'
import { NetworkJitterEstimator } from './learning/network-jitter-estimator.js'
import { FallbackCheck } from './limiter/fallback-check.js'
import type { Limiter } from './limiter/limiter.js'
import { openAccount, openWorkspace } from './limiter/open-workspace.js'
import { WorkspaceLimiter } from './limiter/workspace-limiter.js'
import { LiveLimits } from './limits/sources/live-limits.js'
import type { Stats } from './metrics/stats.js'
import type { LimiterOptions } from './options/limiter-options.js'
import { settingsOf } from './options/settings.js'
import { OutputEstimator } from './tokens/output-estimator.js'

export type { Limiter } from './limiter/limiter.js'

/**
 * J before any answer has reported an arrival, in ms. Chosen. Larger wastes quota: 50 ms leave 95.2 % of a second's limit
 * (derived: 1000 ÷ 1050). Smaller causes 429s where the network delay varies more.
 */
const DEFAULT_JITTER_MS = 50

/**
 * Creates a limiter. Without options, it uses Model Studio's limits for Singapore (international).
 *
 * @example
 * const limiter = createLimiter({ limits: { 'qwen-plus': { rpm: 600, tpm: 1_000_000 } } })
 * const client = limitOpenAI(new OpenAI(), limiter)
 * @throws InvalidLimits, InvalidRequest for a wrong option
 */
export function createLimiter(options: LimiterOptions = {}): Limiter {
  const settings = settingsOf(options)
  const { clock, random, perSecond, defaultProfile, unknownModel, networkJitterMs } = settings
  const limits = new LiveLimits({
    source: settings.limits,
    overrides: settings.overrides,
    perSecond,
    unknownModel,
    clock,
  })
  const jitter: { readonly networkJitterMs: number; readonly origin: Stats['networkJitter']['origin'] } =
    networkJitterMs === 'learn' ? new NetworkJitterEstimator(DEFAULT_JITTER_MS) : { networkJitterMs, origin: 'user' }
  const phases = new ClockPhaseEstimator()
  const output = new OutputEstimator()
  const dispatcher = new Dispatcher({
    clock,
    random,
    profile: defaultProfile,
    resolve: (model, profile) => limits.resolve(model, profile.perSecond),
    fallback: settings.fallback,
    probeHigherLimits: settings.probeHigherLimits,
    networkJitterMs: () => jitter.networkJitterMs,
    jitter: jitter instanceof NetworkJitterEstimator ? jitter : undefined,
    phase: () => phases.at(clock.now()),
    phases,
    idleSince: settings.startFull ? -Infinity : clock.now(),
    output,
    maxRetries: settings.maxRetries,
    maxQueue: settings.maxQueue,
    maxBackfillDelayMs: settings.maxBackfillDelayMs,
    fallbackAfterWaitMs: settings.fallbackAfterWaitMs,
    weightOf: settings.tenantWeights,
  })
  const { account } = dispatcher
  const backups = new FallbackCheck(settings, limits, account.main.events)
  // The source may call back during the subscription. All receivers of its changes exist by now.
  const open = openAccount(account, limits, () => {
    account.refresh()
    backups.begin()
  })
  backups.begin()
  const { profile, maxRetriesOfClients: maxRetries, estimator, tokenizer } = settings
  const perSecondDefault = defaultProfile.perSecond
  return new WorkspaceLimiter(
    {
      dispatcher,
      clock,
      fetch: { clock, random, profile, maxRetries, estimator, tokenizer },
      perSecondDefault,
      lengthsOf: (model) => output.lengthsOf(model),
      networkJitter: () => ({ ms: jitter.networkJitterMs, origin: jitter.origin }),
      clockPhase: () => phases.at(clock.now()),
      open: (name, table) =>
        openWorkspace(account, limits, { name, limits: table, perSecond, perSecondDefault, clock }),
    },
    open,
  )
}
