/**
 * Runs many requests at the full quota: files in the format of OpenAI's Batch API, or whatever gives requests. Needs Node.
 *
 * ```ts
 * const batch = runBatch({ input, limiter: createLimiter(), apiKey, model: 'qwen-plus' })
 * for await (const { ok, record } of batch) console.log(record.custom_id, ok)
 * ```
 */
export { runBatch } from './run-batch.js'
export type { Batch, BatchOptions, BatchSummary, RunOptions } from './run-batch.js'
export { runBatchFile } from './run-file.js'
export type { FileRun, FileRunOptions, RunBegin } from './run-file.js'
export { runBatchApi } from './lane/run-batch-api.js'
export type { BatchApiOptions, BatchApiRun, BatchApiSummary } from './lane/run-batch-api.js'
export type { BatchProgress } from './lane/batch-lane.js'
export type { LaneResult } from './lane/merge.js'
export type { RunCounts } from './counts.js'
export type { Stop } from './run-lines.js'
export type { Halt } from './send-line.js'
export type { BatchError, BatchRecord, LineResult } from './result.js'
export type { OutputHandle, Sink } from './output-file.js'
export { FileTrouble } from './file-trouble.js'
export { readRequests } from './read-requests.js'
export type { LineFault, LineRequest, ReadOptions } from './request-line.js'

export type { Tokenizer } from '../cost/tokens.js'
export { splitText, textPieces, type SplitOptions, type TextPiece } from './split.js'

export { expectRequest } from './expect.js'
export type { ExpectOptions, OutputBasis, PlannedRequest } from './expect.js'
export { planBatch } from './plan.js'
export type { BatchPlan, ModelPace, ModelPlan, PlannedTokens, PlanOptions } from './plan.js'
export type { Ramp } from './ramp.js'
export type { ChainLink, ChainPlan } from './chain-plan.js'
export { BATCH_PRICE_SHARE, builtInPrices, costOf, pricesBeside, validatePrices } from './prices.js'
export type { BuiltInPricesName, Money, Priced, PriceRow, PricesTable, TokenCounts } from './prices.js'
export { builtInDeploymentPrices, validateDeploymentPrices } from './deployment-prices.js'
export type {
  DeploymentPrices,
  ModelUnitPrice,
  ProvisionedPrice,
  ThroughputPrice,
  TunedTokenPrice,
} from './deployment-prices.js'
export { planPayment } from './payment.js'
export type { CheapestPayment, PaymentPlan } from './payment.js'
export { unitsName } from './by-units.js'
export type { Payment, PaymentOptions, PaymentWay } from './payment-way.js'
export type { Flow, LoadRequest, SteadyLoad } from './load.js'
