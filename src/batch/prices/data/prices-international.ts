import { priceRows } from '../price-rows.js'

/** Pay-as-you-go prices of the international service (Singapore), US dollars for a million tokens. */
export const pricesInternational = priceRows(
  {
    currency: 'USD',
    region: 'international',
    // Known to the season; the month is its middle.
    date: '2026-06',
    source: 'Alibaba Cloud Model Studio, model pricing, mid-2026',
  },
  {
    'qwen3.7-max': [2.5, 7.5],
    'qwen3.7-plus': [0.4, 1.6],
    'qwen3.6-flash': [0.25, 1.5],
    'qwen3-vl-plus': [0.2, 1.6],
    // Embeddings have no output: one price is stated, that of the input.
    'text-embedding-v4': [0.07, 0],
  },
)
