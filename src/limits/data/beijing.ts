import type { LimitsTable } from '../../types.js'
import { rows } from '../rows.js'

const early2026 = rows(
  {
    source: 'Alibaba Cloud Model Studio, rate limits, early 2026, from a mirror of the page',
    region: 'beijing',
    // The mirror is known to be of early 2026; the newest model on it is of this month.
    date: '2026-02',
  },
  {
    'qwen3-max': [30_000, 5_000_000],
    'qwen3-max-2026-01-23': [600, 1_000_000],
    'qwen3-max-preview': [600, 1_000_000],
    'qwen3-max-2025-09-23': [60, 100_000],
    'qwen-max': [1_200, 1_000_000],
    'qwen-max-latest': [1_200, 1_000_000],
    'qwen3.5-plus': [30_000, 5_000_000],
    'qwen3.5-plus-2026-02-15': [600, 1_000_000],
    'qwen-plus': [30_000, 5_000_000],
    'qwen-plus-latest': [15_000, 1_200_000],
    'qwen-plus-2025-12-01': [120, 1_000_000],
    'qwen-plus-2025-09-11': [60, 1_000_000],
    'qwen-plus-2025-07-28': [60, 1_000_000],
    'qwen-plus-2025-07-14': [60, 100_000],
    'qwen3.5-flash': [30_000, 10_000_000],
    'qwen3.5-flash-2026-02-23': [600, 1_000_000],
    'qwen-flash': [30_000, 10_000_000],
    'qwen-flash-2025-07-28': [60, 1_000_000],
    'qwen-turbo': [1_200, 5_000_000],
    'qwen-turbo-latest': [1_200, 5_000_000],
    'qwq-plus': [600, 1_000_000],
    'qwen3-coder-plus': [5_000, 5_000_000],
    'qwen3-coder-flash': [5_000, 5_000_000],
    'qwen3-vl-plus': [3_000, 5_000_000],
    'qwen3-vl-flash': [3_000, 5_000_000],
    'qwen-vl-max': [1_200, 1_000_000],
    'qwen-vl-plus': [1_200, 1_000_000],
    'qwen3-32b': [2_400, 1_000_000],
    'qwen3-235b-a22b': [600, 1_000_000],
    'qwen3-30b-a3b': [600, 1_000_000],
    'qwen3-14b': [600, 1_000_000],
    'qwen3-8b': [600, 1_000_000],
    // Printed so, but a thousand times the others: the TPM may be a slip of the page.
    'qwen3-rerank': [5_400, 5_000_000_000],
    // In Beijing alone
    'qwen-long': [1_200, 3_000_000],
    'qwen-vl-ocr': [600, 6_000_000],
    'qwen-mt-plus': [60, 25_000],
    'qwen-mt-flash': [60, 35_000],
    'qwen-mt-turbo': [60, 35_000],
    'qwen-mt-lite': [60, 100_000],
    'deepseek-v3.2': [15_000, 1_200_000],
    'deepseek-v3.1': [15_000, 1_200_000],
    'deepseek-r1': [15_000, 1_200_000],
    'deepseek-v3': [15_000, 1_200_000],
    'kimi-k2.5': [60, 100_000],
    'kimi-k2-thinking': [60, 100_000],
    'glm-5': [60, 1_000_000],
    'glm-4.7': [60, 1_000_000],
    'MiniMax-M2.5': [60, 1_000_000],
    // For these the page states requests a second and none a minute.
    'text-embedding-v1': { rps: 30, tpm: 1_200_000 },
    'text-embedding-v2': { rps: 30, tpm: 1_200_000 },
    'text-embedding-v3': { rps: 30, tpm: 1_200_000 },
    'text-embedding-v4': { rps: 30, tpm: 1_200_000 },
  },
)

const mid2026 = rows(
  {
    source: 'Alibaba Cloud Model Studio, rate limits, mid-2026',
    region: 'beijing',
    // Known to the season; the month is its middle.
    date: '2026-06',
  },
  {
    'qwen3.7-max': [30_000, 5_000_000],
    'qwen3.7-plus': [30_000, 5_000_000],
    'qwen3.6-plus': [30_000, 5_000_000],
    'qwen3.6-flash': [30_000, 10_000_000],
  },
)

/** The table of Beijing of early 2026, and the models that joined it by mid-2026, dated so. */
export const beijing: LimitsTable = Object.freeze({ ...early2026, ...mid2026 })
