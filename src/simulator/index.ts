/**
 * A local server that throttles like Alibaba Cloud Model Studio. Tests use it in place of the paid service.
 *
 * ```ts
 * const simulator = await startSimulator({ limits: { 'qwen-plus': { rpm: 600, tpm: 1_000_000 } } })
 * const client = new OpenAI({ apiKey: 'any', baseURL: simulator.url })
 * ```
 */
export { startSimulator } from './server.js'
export type { Simulator } from './server.js'
export { azure, lenient, modelStudio, openai, presets } from './presets.js'
export type { PresetName } from './presets.js'
export type { SimulatorOptions } from './options/simulator-options.js'
export type { AnswerOptions, Latency } from './options/answer-options.js'
export type { Floor, LimitChange, LimitOptions, ProvisionedThroughput } from './options/limit-options.js'
export type { BatchLine, BatchOptions } from './options/batch-options.js'
export type { ControlPlaneOptions } from './options/control-plane-options.js'
export type { AnswerScript, ScriptedAnswer, ScriptedToolCall } from './answers/answer.js'
export type { SimulatedRequest, SimulatedRoute } from './requests/request.js'
export type {
  CutFault,
  DelayFault,
  DropFault,
  Fault,
  FaultScript,
  NoUsageFault,
  OtherFaultScript,
  OtherRequest,
  SlowBodyFault,
  StatusFault,
  StreamErrorFault,
} from './faults/faults.js'
export type { FaultRates } from './faults/fault-rates.js'
export { errorBodies } from './errors/bodies.js'
export type { ServiceName } from './errors/dialect.js'
export { stateKinds } from './errors/states.js'
export type { AccountState, StateKind } from './errors/states.js'
export { errorShapes, streamErrors, throttleBody } from './errors/throttling.js'
export type { ErrorShape, RefusalClass } from './errors/throttling.js'
export type { Charged, OutputAccounting } from './metering/charge.js'
export type { WindowKind } from './metering/create-counter.js'
export type { LimitName, PerSecond } from './metering/enforced-limits.js'
export type { SurgeOptions } from './metering/surge-detector.js'
export type { WindowUse } from './metering/throttle.js'
export type { Ledger, LedgerEntry, ModelSummary, RefusedBy, Windows } from './ledger.js'
