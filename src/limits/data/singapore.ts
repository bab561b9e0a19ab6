import type { LimitsTable } from '../../types.js'
import { rows } from '../rows.js'
import { international2025 } from './international-2025.js'

const early2026 = rows(
  {
    source: 'Alibaba Cloud Model Studio, rate limits, early 2026, from a mirror of the page',
    region: 'international',
    // The mirror is known to be of early 2026; the newest model on it is of this month.
    date: '2026-02',
  },
  {
    'qwen3-max': [600, 1_000_000],
    'qwen3-max-2026-01-23': [600, 1_000_000],
    'qwen3-max-preview': [600, 1_000_000],
    'qwen3-max-2025-09-23': [60, 100_000],
    'qwen-max': [120, 100_000],
    'qwen-max-latest': [600, 1_000_000],
    'qwen3.5-plus': [15_000, 5_000_000],
    'qwen3.5-plus-2026-02-15': [60, 1_000_000],
    'qwen-plus-latest': [600, 1_000_000],
    'qwen-plus-2025-12-01': [120, 1_000_000],
    'qwen-plus-2025-09-11': [120, 1_000_000],
    'qwen-plus-2025-07-28': [60, 100_000],
    'qwen-plus-2025-07-14': [60, 100_000],
    'qwen3.5-flash': [15_000, 5_000_000],
    'qwen3.5-flash-2026-02-23': [600, 1_000_000],
    'qwen-flash': [600, 5_000_000],
    'qwen-flash-2025-07-28': [600, 5_000_000],
    'qwen-turbo': [240, 100_000],
    'qwen-turbo-latest': [600, 5_000_000],
    'qwq-plus': [60, 100_000],
    'qwen3-coder-plus': [2_400, 2_000_000],
    'qwen3-coder-flash': [600, 5_000_000],
    'qwen3-vl-plus': [1_200, 1_000_000],
    'qwen3-vl-flash': [1_200, 1_000_000],
    'qwen-vl-max': [1_200, 1_000_000],
    'qwen-vl-plus': [1_200, 1_000_000],
    'qwen3-32b': [600, 1_000_000],
    'qwen3-235b-a22b': [600, 1_000_000],
    'qwen3-30b-a3b': [600, 1_000_000],
    'qwen3-14b': [600, 1_000_000],
    'qwen3-8b': [600, 1_000_000],
    // Printed so, but a thousand times the others: the TPM may be a slip of the page.
    'qwen3-rerank': [5_400, 5_000_000_000],
  },
)

/**
 * The table of Singapore (international) of early 2026, and for the models that it lacks the rows of 2025, dated so.
 */
export const singapore: LimitsTable = Object.freeze({ ...international2025, ...early2026 })
