/**
 * Runs many requests at the full quota. The input is a file in the format of OpenAI's Batch API, or any iterable of requests.
 * Requires Node.
 *
 * @example
 * ```ts
 * const batch = runBatch({ input, limiter: createLimiter(), apiKey, model: 'qwen-plus' })
 * for await (const { ok, record } of batch) console.log(record.custom_id, ok)
 * ```
 */
export { runBatch } from './run/run-batch.js'
export type { Batch, BatchOptions, BatchSummary, RunOptions } from './run/run-batch.js'
export { runBatchFile } from './run/run-batch-file.js'
export type { FileRun, FileRunOptions, RunBegin } from './run/run-batch-file.js'
export { runBatchApi } from './batch-api/run-batch-api.js'
export type { BatchApiOptions, BatchApiRun, BatchApiSummary } from './batch-api/run-batch-api.js'
export type { BatchProgress } from './batch-api/batch-api-runner.js'
export type { BatchApiResult } from './batch-api/merge.js'
export type { RunCounts } from './run/run-counts.js'
export type { Stop } from './run/line-runner.js'
export type { Halt } from './run/send-line.js'
export type { BatchError, BatchRecord, LineResult } from './file/batch-record.js'
export type { OutputHandle, Sink } from './file/output-file.js'
export { FileError } from './file/file-error.js'
export { readRequests } from './file/read-requests.js'
export type { LineFault, LineRequest, ReadOptions } from './file/request-line.js'

export type { Tokenizer } from '../tokens/text-tokens.js'
export { splitText, textPieces, type SplitOptions, type TextPiece } from './text/split-text.js'

export { expectRequest } from './plan/expect-request.js'
export type { ExpectOptions, OutputBasis, PlannedRequest } from './plan/expect-request.js'
export { planBatch } from './plan/plan-batch.js'
export type { ModelPace, PlannedTokens } from './plan/model-pace.js'
export type { BatchPlan, ModelPlan, PlanOptions } from './plan/plan-batch.js'
export type { RampSettings } from './run/ramp-up.js'
export type { ChainLink, ChainPlan } from './plan/chain-plan.js'
export { builtInDeploymentPrices, builtInPrices, pricesBeside } from './prices/built-in-prices.js'
export type { BuiltInPricesName } from './prices/built-in-prices.js'
export { BATCH_PRICE_SHARE, costOf, validatePrices } from './prices/prices.js'
export type { Money, Priced, PriceRow, PricesTable, TokenCounts } from './prices/prices.js'
export { validateDeploymentPrices } from './prices/deployment-prices.js'
export type {
  DeploymentPrices,
  ModelUnitPrice,
  ProvisionedPrice,
  ThroughputPrice,
  TunedTokenPrice,
} from './prices/deployment-prices.js'
export { planPayment } from './plan/plan-payment.js'
export type { CheapestPayment, PaymentPlan } from './plan/plan-payment.js'
export { unitsName } from './plan/pay-by-units.js'
export type { Payment, PaymentOptions, PaymentWay } from './plan/payment-way.js'
export type { Flow, LoadRequest, SteadyLoad } from './plan/steady-load.js'
