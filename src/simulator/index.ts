/**
 * A server on this machine that throttles like Alibaba Cloud Model Studio, to test against without paying.
 *
 * ```ts
 * const simulator = await startSimulator({ limits: { 'qwen-plus': { rpm: 600, tpm: 1_000_000 } } })
 * const client = new OpenAI({ apiKey: 'any', baseURL: simulator.url })
 * ```
 */
export { startSimulator } from './server.js'
export type { Simulator } from './server.js'
export type { Latency, SimulatorOptions } from './options.js'
export type { AnswerScript, ScriptedAnswer } from './answers.js'
export type { SimulatedRequest, SimulatedRoute } from './request.js'
export type {
  CutFault,
  DelayFault,
  DropFault,
  Fault,
  FaultScript,
  NoUsageFault,
  StatusFault,
  StreamErrorFault,
} from './faults.js'
export { errorBodies, errorShapes, streamErrors, throttleBody } from './errors.js'
export type { ErrorShape, RefusalClass } from './errors.js'
export { createCounter } from './counting.js'
export type { Counter, CounterSpec, Posting, WindowKind } from './counting.js'
export { Charge, enforcedLimits, limitNames, Throttle } from './throttle.js'
export type { LimitName, OutputCharging, ThrottleSettings, WindowUse } from './throttle.js'
export type { Ledger, LedgerEntry, ModelSummary } from './ledger.js'
