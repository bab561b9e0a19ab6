/** The page's tables of 2026-05 as they stand there, a row a line; read by other code than the data are written in. */

/** Model, most input tokens; an hour of 10K input TPM, of 1K output TPM (or both of two); a day of the same. */
export const PROVISIONED_ROWS = `
qwen3.7-max-2026-05-20 256000 28.8 8.64 345.6 103.68
qwen3.6-flash-2026-04-16 128000 2.88 1.73 34.56 20.74
qwen3.6-plus-2026-04-02 128000 4.8 2.88 57.6 34.56
qwen3.5-plus-2026-04-20 128000 1.92 1.15 23.04 13.82
qwen3-max-2025-09-23 128000 7.68 3.08 92.16 36.96
qwen-flash-2025-07-28 128000 0.36 0.36 4.32 4.32
qwen-plus-2025-12-01 128000 1.92 0.48 1.92 23.04 5.76 23.04
deepseek-v4-pro 256000 43.2 8.64 518.4 103.68
deepseek-v3.2 64000 7.2 1.08 86.4 12.96
deepseek-v3 64000 7.2 2.88 86.4 34.56
qwen3-vl-plus-2025-09-23 128000 2.4 2.4 28.8 28.8
glm-5.1 64000 21.6 8.64 259.2 103.68
`

/** Model, units (pd: prefill and decoding apart), an hour, a month. */
export const UNIT_ROWS = `
qwen3.7-plus-2026-05-26 MU3x8 1096 527752
qwen3.6-35b-a3b MU8x1 47 22400
qwen3.6-35b-a3b MU9x1 51 24600
qwen3.6-27b MU9x1 51 24600
qwen3.6-flash-2026-04-16 MU1x2 108 52236
qwen3.6-plus-2026-04-02 MU1x8 432 208944
qwen3.6-plus-2026-04-02 MU1x16 pd 864 417888
qwen3.5-397b-a17b MU2x8 504 240288
qwen3.5-397b-a17b MU3x8 1096 527752
qwen3.5-397b-a17b MU3x16 pd 2192 1055504
qwen3.5-397b-a17b MU6x16 400 193424
qwen3.5-122b-a10b MU1x4 216 104472
qwen3.5-122b-a10b MU2x8 504 240288
qwen3.5-122b-a10b MU6x16 400 193424
qwen3.5-122b-a10b MU9x2 102 49200
qwen3.5-35b-a3b MU1x2 108 52236
qwen3.5-35b-a3b MU2x8 504 240288
qwen3.5-35b-a3b MU8x1 47 22400
qwen3.5-35b-a3b MU9x1 51 24600
qwen3.5-27b MU9x1 51 24600
qwen3.5-9b MU8x1 47 22400
qwen3.5-9b MU9x1 51 24600
qwen3.5-flash-2026-02-23 MU1x2 108 52236
qwen3.5-plus-2026-02-15 MU1x16 pd 864 417888
qwen3.5-plus-2026-02-15 MU3x8 1096 527752
qwen3.5-plus-2026-02-15 MU3x16 pd 2192 1055504
qwen3-235b-a22b-instruct-2507 MU1x4 216 104472
qwen3-235b-a22b-instruct-2507 MU2x8 504 240288
qwen3-next-80b-a3b-instruct MU1x2 108 52236
qwen3-32b MU1x4 216 104472
qwen3-32b MU6x4 100 48356
qwen3-30b-a3b MU9x2 102 49200
qwen3-30b-a3b-instruct-2507 MU1x4 216 104472
qwen3-30b-a3b-instruct-2507 MU2x8 504 240288
qwen3-8b MU1x2 108 52236
qwen3-8b MU2x2 126 60072
qwen3-8b MU5x1 21 10139
qwen3-4b MU1x2 108 52236
qwen3-4b MU5x1 21 10139
qwen3-1.7b MU1x2 108 52236
qwen3-1.7b MU5x1 21 10139
qwen3-embedding-0.6b MU5x1 21 10139
qwen3-embedding-0.6b MU6x1 25 12089
qwen3-moe-rerank-0.6b MU5x1 21 10139
qwen3-rerank-0.6b MU5x1 21 10139
qwen3-rerank-0.6b MU6x1 25 12089
qwen3-max-2025-09-23 MU2x8 504 240288
qwen3-max-2025-09-23 MU3x8 1096 527752
qwen3-rerank MU5x1 21 10139
qwen2.5-72b-instruct MU1x4 216 104472
qwen2.5-32b-instruct MU1x4 216 104472
qwen2.5-14b-instruct MU1x2 108 52236
qwen2.5-7b-instruct MU1x2 108 52236
qwen2.5-7b-instruct MU5x1 21 10139
qwen2.5-3b-instruct MU5x1 21 10139
qwen-flash-2025-07-28 MU1x4 216 104472
qwen-plus-2025-07-28 MU1x4 216 104472
qwen-plus-2025-07-28 MU1x16 pd 864 417888
qwen-plus-2025-12-01 MU1x4 216 104472
glm-5 MU3x16 pd 2192 1055504
glm-4.7 MU6x32 pd 800 386848
deepseek-v4-flash MU1x8 432 208944
deepseek-v3.2 MU2x16 pd 1008 480576
MiniMax-M2.5 MU1x16 pd 864 417888
Kimi-K2.5 MU2x8 504 240288
qwen3-vl-235b-a22b-instruct MU1x4 216 104472
qwen3-vl-235b-a22b-thinking MU1x4 216 104472
qwen3-vl-32b-instruct MU2x8 504 240288
qwen3-vl-8b-instruct MU1x2 108 52236
qwen3-vl-4b-instruct MU1x2 108 52236
qwen3-vl-2b-instruct MU5x1 21 10139
qwen3-vl-embedding-2b MU5x1 21 10139
qwen3-vl-flash-2025-10-15 MU1x4 216 104472
qwen3-vl-plus-2025-09-23 MU1x4 216 104472
qwen-vl-max-2025-08-13 MU6x4 100 48356
qwen-vl-ocr-2025-11-20 MU6x4 100 48356
qwen3.5-omni-flash MU8x1 47 22400
qwen3.5-omni-flash MU9x1 51 24600
qwen3.5-omni-plus MU9x8 408 196800
cosyvoice-v3-flash MU5x1 21 10139
`

/** Model that was tuned, 1,000 input tokens, 1,000 output tokens, the same with thinking where it has a price of its own. */
export const TOKEN_ROWS = `
qwen3-32b 0.002 0.008 0.02
qwen3-14b 0.001 0.004 0.01
qwen3-8b 0.0005 0.002 0.005
qwen2.5-72b-instruct 0.004 0.012
qwen2.5-32b-instruct 0.002 0.006
qwen2.5-14b-instruct 0.001 0.003
qwen2.5-7b-instruct 0.0005 0.001
qwen3-vl-8b-instruct 0.0005 0.002
qwen2.5-vl-72b-instruct 0.016 0.048
qwen2.5-vl-32b-instruct 0.008 0.024
qwen2.5-vl-7b-instruct 0.002 0.005
`
