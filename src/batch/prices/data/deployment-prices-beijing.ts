import type { DeploymentPrices, ModelUnitPrice, ProvisionedPrice } from '../deployment-prices.js'

/** The columns of the page: most input tokens; an hour's input and output price; a day's. */
function provisioned(
  maxInputTokens: number,
  hour: readonly [input: number, output: number],
  day: readonly [input: number, output: number],
): ProvisionedPrice {
  return { maxInputTokens, hour: price(hour), day: price(day) }
}

function price([input, output]: readonly [number, number]) {
  return { inputPer10kTpm: input, outputPer1kTpm: output }
}

/** `MU1 x 8` at an hour's and a month's price of all eight. */
function units(unit: string, count: number, hour: number, month: number): ModelUnitPrice {
  return { unit, count, hour, month }
}

/** The same, with prefill and decoding on nodes of their own. */
function separated(unit: string, count: number, hour: number, month: number): ModelUnitPrice {
  return { ...units(unit, count, hour, month), mode: 'pd-separated' }
}

const MU1x2 = units('MU1', 2, 108, 52_236)
const MU1x4 = units('MU1', 4, 216, 104_472)
const MU1x8 = units('MU1', 8, 432, 208_944)
const MU1x16 = separated('MU1', 16, 864, 417_888)
const MU2x2 = units('MU2', 2, 126, 60_072)
const MU2x8 = units('MU2', 8, 504, 240_288)
const MU2x16 = separated('MU2', 16, 1008, 480_576)
const MU3x8 = units('MU3', 8, 1096, 527_752)
const MU3x16 = separated('MU3', 16, 2192, 1_055_504)
const MU5x1 = units('MU5', 1, 21, 10_139)
const MU6x1 = units('MU6', 1, 25, 12_089)
const MU6x4 = units('MU6', 4, 100, 48_356)
const MU6x16 = units('MU6', 16, 400, 193_424)
const MU6x32 = separated('MU6', 32, 800, 386_848)
const MU8x1 = units('MU8', 1, 47, 22_400)
const MU9x1 = units('MU9', 1, 51, 24_600)
const MU9x2 = units('MU9', 2, 102, 49_200)
const MU9x8 = units('MU9', 8, 408, 196_800)

/** The prices of dedicated deployments; they are to be had in Beijing alone. */
export const deploymentPricesBeijing: DeploymentPrices = deepFrozen({
  currency: 'CNY',
  region: 'beijing',
  // The page bears no date; the newest model on it is of this month.
  date: '2026-05',
  source: 'Alibaba Cloud Model Studio, model deployment, billing',
  provisioned: {
    'qwen3.7-max-2026-05-20': provisioned(256_000, [28.8, 8.64], [345.6, 103.68]),
    'qwen3.6-flash-2026-04-16': provisioned(128_000, [2.88, 1.73], [34.56, 20.74]),
    'qwen3.6-plus-2026-04-02': provisioned(128_000, [4.8, 2.88], [57.6, 34.56]),
    'qwen3.5-plus-2026-04-20': provisioned(128_000, [1.92, 1.15], [23.04, 13.82]),
    'qwen3-max-2025-09-23': provisioned(128_000, [7.68, 3.08], [92.16, 36.96]),
    'qwen-flash-2025-07-28': provisioned(128_000, [0.36, 0.36], [4.32, 4.32]),
    // Of two output prices the page calls the second "code interpreter". A deployment's capacity has a second output too,
    // that of thinking, and no other price is stated for it.
    'qwen-plus-2025-12-01': {
      maxInputTokens: 128_000,
      hour: { ...price([1.92, 0.48]), thinkingOutputPer1kTpm: 1.92 },
      day: { ...price([23.04, 5.76]), thinkingOutputPer1kTpm: 23.04 },
      note: 'the page calls the second output price "code interpreter"; it is taken for that of thinking output',
    },
    'deepseek-v4-pro': provisioned(256_000, [43.2, 8.64], [518.4, 103.68]),
    'deepseek-v3.2': provisioned(64_000, [7.2, 1.08], [86.4, 12.96]),
    'deepseek-v3': provisioned(64_000, [7.2, 2.88], [86.4, 34.56]),
    'qwen3-vl-plus-2025-09-23': provisioned(128_000, [2.4, 2.4], [28.8, 28.8]),
    'glm-5.1': provisioned(64_000, [21.6, 8.64], [259.2, 103.68]),
  },
  modelUnits: {
    // Qwen
    'qwen3.7-plus-2026-05-26': [MU3x8],
    'qwen3.6-35b-a3b': [MU8x1, MU9x1],
    'qwen3.6-27b': [MU9x1],
    'qwen3.6-flash-2026-04-16': [MU1x2],
    'qwen3.6-plus-2026-04-02': [MU1x8, MU1x16],
    'qwen3.5-397b-a17b': [MU2x8, MU3x8, MU3x16, MU6x16],
    'qwen3.5-122b-a10b': [MU1x4, MU2x8, MU6x16, MU9x2],
    'qwen3.5-35b-a3b': [MU1x2, MU2x8, MU8x1, MU9x1],
    'qwen3.5-27b': [MU9x1],
    'qwen3.5-9b': [MU8x1, MU9x1],
    'qwen3.5-flash-2026-02-23': [MU1x2],
    'qwen3.5-plus-2026-02-15': [MU1x16, MU3x8, MU3x16],
    'qwen3-235b-a22b-instruct-2507': [MU1x4, MU2x8],
    'qwen3-next-80b-a3b-instruct': [MU1x2],
    'qwen3-32b': [MU1x4, MU6x4],
    'qwen3-30b-a3b': [MU9x2],
    'qwen3-30b-a3b-instruct-2507': [MU1x4, MU2x8],
    'qwen3-8b': [MU1x2, MU2x2, MU5x1],
    'qwen3-4b': [MU1x2, MU5x1],
    'qwen3-1.7b': [MU1x2, MU5x1],
    'qwen3-embedding-0.6b': [MU5x1, MU6x1],
    'qwen3-moe-rerank-0.6b': [MU5x1],
    'qwen3-rerank-0.6b': [MU5x1, MU6x1],
    'qwen3-max-2025-09-23': [MU2x8, MU3x8],
    'qwen3-rerank': [MU5x1],
    'qwen2.5-72b-instruct': [MU1x4],
    'qwen2.5-32b-instruct': [MU1x4],
    'qwen2.5-14b-instruct': [MU1x2],
    'qwen2.5-7b-instruct': [MU1x2, MU5x1],
    'qwen2.5-3b-instruct': [MU5x1],
    'qwen-flash-2025-07-28': [MU1x4],
    'qwen-plus-2025-07-28': [MU1x4, MU1x16],
    'qwen-plus-2025-12-01': [MU1x4],
    // GLM, DeepSeek and more
    'glm-5': [MU3x16],
    'glm-4.7': [MU6x32],
    'deepseek-v4-flash': [MU1x8],
    'deepseek-v3.2': [MU2x16],
    'MiniMax-M2.5': [MU1x16],
    'Kimi-K2.5': [MU2x8],
    // Qwen-VL
    'qwen3-vl-235b-a22b-instruct': [MU1x4],
    'qwen3-vl-235b-a22b-thinking': [MU1x4],
    'qwen3-vl-32b-instruct': [MU2x8],
    'qwen3-vl-8b-instruct': [MU1x2],
    'qwen3-vl-4b-instruct': [MU1x2],
    'qwen3-vl-2b-instruct': [MU5x1],
    'qwen3-vl-embedding-2b': [MU5x1],
    'qwen3-vl-flash-2025-10-15': [MU1x4],
    'qwen3-vl-plus-2025-09-23': [MU1x4],
    'qwen-vl-max-2025-08-13': [MU6x4],
    'qwen-vl-ocr-2025-11-20': [MU6x4],
    // Qwen Omni
    'qwen3.5-omni-flash': [MU8x1, MU9x1],
    'qwen3.5-omni-plus': [MU9x8],
    // Speech. The page says MU5 without a number.
    'cosyvoice-v3-flash': [MU5x1],
  },
  tokens: {
    'qwen3-32b': { input: 0.002, output: 0.008, thinkingOutput: 0.02 },
    'qwen3-14b': { input: 0.001, output: 0.004, thinkingOutput: 0.01 },
    'qwen3-8b': { input: 0.0005, output: 0.002, thinkingOutput: 0.005 },
    'qwen2.5-72b-instruct': { input: 0.004, output: 0.012 },
    'qwen2.5-32b-instruct': { input: 0.002, output: 0.006 },
    'qwen2.5-14b-instruct': { input: 0.001, output: 0.003 },
    'qwen2.5-7b-instruct': { input: 0.0005, output: 0.001 },
    'qwen3-vl-8b-instruct': { input: 0.0005, output: 0.002 },
    'qwen2.5-vl-72b-instruct': { input: 0.016, output: 0.048 },
    'qwen2.5-vl-32b-instruct': { input: 0.008, output: 0.024 },
    'qwen2.5-vl-7b-instruct': { input: 0.002, output: 0.005 },
  },
})

function deepFrozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFrozen(part as object)
  return Object.freeze(value)
}
