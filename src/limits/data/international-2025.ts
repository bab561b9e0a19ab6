import { rows } from '../rows.js'

/**
 * The international table of 2025. The page bears no date; the newest model on it is of March 2025. Where its cells are
 * merged, a model has the value of the row above; a name in brackets is an alias and has a row of its own.
 */
export const international2025 = rows(
  { source: 'Alibaba Cloud Model Studio, "Throttling"', region: 'international', date: '2025' },
  {
    // Qwen LLMs
    'qwq-plus': [60, 100_000],
    'qwen-max': [600, 1_000_000],
    'qwen-max-latest': [60, 100_000],
    'qwen-max-2025-01-25': [60, 100_000],
    'qwen-max-0125': [60, 100_000],
    'qwen-plus': [600, 1_000_000],
    'qwen-plus-latest': [60, 100_000],
    'qwen-plus-2025-01-25': [60, 100_000],
    'qwen-plus-0125': [60, 100_000],
    'qwen-turbo': [600, 5_000_000],
    'qwen-turbo-latest': [60, 5_000_000],
    'qwen-turbo-2024-11-01': [60, 5_000_000],
    'qwen-turbo-1101': [60, 5_000_000],
    // Qwen VL
    'qvq-max': [60, 100_000],
    'qvq-max-latest': [60, 100_000],
    'qvq-max-2025-03-25': [60, 100_000],
    'qwen-vl-plus': [1_200, 1_000_000],
    'qwen-vl-max': [1_200, 1_000_000],
    // Qwen-MT
    'qwen-mt-plus': [60, 23_797],
    'qwen-mt-turbo': [60, 19_020],
    // Open source Qwen LLMs
    'qwen2.5-14b-instruct-1m': [1_200, 5_000_000],
    'qwen2.5-7b-instruct-1m': [1_200, 5_000_000],
    'qwen2.5-72b-instruct': [1_200, 1_000_000],
    'qwen2.5-32b-instruct': [1_200, 1_000_000],
    'qwen2.5-14b-instruct': [1_200, 1_000_000],
    'qwen2.5-7b-instruct': [1_200, 1_000_000],
    'qwen2-72b-instruct': [60, 150_000],
    'qwen2-57b-a14b-instruct': [60, 30_000],
    'qwen2-7b-instruct': [60, 30_000],
    'qwen1.5-110b-chat': [10, 20_000],
    'qwen1.5-72b-chat': [120, 200_000],
    'qwen1.5-32b-chat': [10, 20_000],
    'qwen1.5-14b-chat': [120, 200_000],
    'qwen1.5-7b-chat': [120, 200_000],
    // Open source Qwen VL
    'qwen2.5-vl-72b-instruct': [1_200, 1_000_000],
    'qwen2.5-vl-32b-instruct': [60, 100_000],
    'qwen2.5-vl-7b-instruct': [1_200, 1_000_000],
    'qwen2.5-vl-3b-instruct': [1_200, 1_000_000],
    // Qwen Omni
    'qwen2.5-omni-7b': [60, 100_000],
    // Embedding models
    'text-embedding-v3': [1_800, 600_000],
  },
)
