import { priceRows } from '../price-rows.js'

/** Pay-as-you-go prices of the Chinese service (Beijing), yuan for a million tokens. */
export const pricesBeijing = priceRows(
  {
    currency: 'CNY',
    region: 'beijing',
    // Known to the season; the month is its middle.
    date: '2026-06',
    source: 'Alibaba Cloud Model Studio, model pricing, mid-2026',
  },
  {
    'qwen3.7-max': [12, 36],
    'qwen3.6-plus': [2, 10],
    'qwen3.6-flash': [1.2, 7.2],
    'qwen3.5-flash': [0.2, 2],
  },
)
