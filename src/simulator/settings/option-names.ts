import type { Clock } from '../../clock.js'
import type { Names } from '../checks.js'
import { faultNames } from '../faults/fault-rates.js'
import type { FaultRates } from '../faults/fault-rates.js'
import type { SurgeOptions } from '../metering/surge-detector.js'
import type { AnswerOptions, Latency } from '../options/answer-options.js'
import type { Floor, LimitChange, LimitOptions, ProvisionedThroughput } from '../options/limit-options.js'
import type { SimulatorOptions } from '../options/simulator-options.js'
import type { BatchOptions } from '../options/batch-options.js'
import type { ControlPlaneOptions } from '../options/control-plane-options.js'

const limitNames: Names<LimitOptions> = {
  limits: true,
  defaultLimits: true,
  workspaces: true,
  perSecond: true,
  minuteWindow: true,
  secondWindow: true,
  windowPhaseMs: true,
  outputAccounting: true,
  countsRejected: true,
  cachedShare: true,
  cachedWeight: true,
  surge: true,
  floors: true,
  provisioned: true,
  limitChanges: true,
  state: true,
  modelStates: true,
}

const answerNames: Names<AnswerOptions> = {
  maxOutputTokens: true,
  meanOutputTokens: true,
  meanThinkingTokens: true,
  thinks: true,
  showsReasoning: true,
  toolCallRate: true,
  chunkTokens: true,
  answer: true,
  countTokens: true,
  imageTokens: true,
  maxChoices: true,
  embeddingDimensions: true,
  embeddingTexts: true,
  embeddingTokens: true,
  latency: true,
  fail: true,
  faultRates: true,
  failOthers: true,
  service: true,
  errorShape: true,
  rateLimitHeaders: true,
  retryAfter: true,
}

/** The names of all options of the simulator. */
export const optionNames: Names<SimulatorOptions> = {
  ...limitNames,
  ...answerNames,
  seed: true,
  apiKeys: true,
  maxBodyBytes: true,
  maxTotalBytes: true,
  controlPlane: true,
  batch: true,
  clock: true,
  epochMs: true,
  ledgerSize: true,
  port: true,
  host: true,
}

export const latencyNames: Names<Latency> = { firstTokenMs: true, perTokenMs: true, jitter: true }

export const surgeNames: Names<SurgeOptions> = {
  windowMs: true,
  baselineMs: true,
  factor: true,
  minimum: true,
  measures: true,
  countsRejected: true,
}

export const floorNames: Names<Floor> = { spare: true, says: true }

export const provisionedNames: Names<ProvisionedThroughput> = {
  inputTpm: true,
  outputTpm: true,
  thinkingTpm: true,
  maxInputTokens: true,
  snapshot: true,
}

export const changeNames: Names<LimitChange> = { afterMs: true, model: true, limits: true }

export const faultRateNames: Names<FaultRates> = {
  ...(Object.fromEntries(faultNames.map((name) => [name, true])) as Record<(typeof faultNames)[number], true>),
  slowBodyMs: true,
}

export const controlPlaneNames: Names<ControlPlaneOptions> = {
  quotasPath: true,
  defaultWorkspace: true,
  deployable: true,
  baseCapacity: true,
  pendingMs: true,
  deployMs: true,
  updateMs: true,
  scaleMs: true,
  deleteMs: true,
  updatingStatus: true,
  scalingStatus: true,
  failsToDeploy: true,
}

export const batchNames: Names<BatchOptions> = {
  maxFileBytes: true,
  maxLines: true,
  maxLineBytes: true,
  validateMs: true,
  linesPerSecond: true,
  finalizeMs: true,
  cancelMs: true,
  failLine: true,
  failedLines: true,
}

/** The functions that a clock must have. */
export const clockNames: readonly (keyof Clock)[] = ['now', 'setTimeout', 'clearTimeout']
