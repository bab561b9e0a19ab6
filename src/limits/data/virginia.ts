import { rows } from '../rows.js'

/** The table of Virginia (global) of early 2026, with the models that serve the United States alone (`-us`). */
export const virginia = rows(
  {
    source: 'Alibaba Cloud Model Studio, rate limits, early 2026, from a mirror of the page',
    region: 'virginia',
    // The mirror is known to be of early 2026; the newest model on it is of this month.
    date: '2026-02',
  },
  {
    'qwen3-max': [600, 1_000_000],
    'qwen-plus': [15_000, 5_000_000],
    'qwen-plus-2025-12-01': [60, 1_000_000],
    'qwen-plus-2025-09-11': [60, 1_000_000],
    'qwen-plus-2025-07-28': [60, 1_000_000],
    'qwen-plus-2025-07-14': [60, 1_000_000],
    'qwen-flash': [15_000, 10_000_000],
    'qwen3-coder-plus': [2_400, 2_000_000],
    'qwen3-coder-flash': [1_200, 1_000_000],
    'qwen3-vl-plus': [1_200, 1_000_000],
    'qwen3-vl-flash': [1_200, 1_000_000],
    'qwen3-32b': [600, 1_000_000],
    'qwen3-235b-a22b': [600, 1_000_000],
    'qwen3-30b-a3b': [600, 1_000_000],
    'qwen3-14b': [600, 1_000_000],
    'qwen3-8b': [600, 1_000_000],
    'qwen-plus-us': [600, 1_000_000],
    'qwen-flash-us': [600, 5_000_000],
    'qwen3-vl-flash-us': [1_200, 1_000_000],
  },
)
