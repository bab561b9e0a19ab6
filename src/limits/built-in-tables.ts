import type { LimitsTable } from '../types.js'
import { beijing } from './data/beijing.js'
import { international2025 } from './data/international-2025.js'
import { singapore } from './data/singapore.js'
import { virginia } from './data/virginia.js'

/** The names of the built-in limits tables. */
export type BuiltInTableName =
  | 'model-studio/international-2025'
  | 'model-studio/singapore'
  | 'model-studio/beijing'
  | 'model-studio/virginia'

/** The name of the table that applies if the option `limits` is left out. */
export const DEFAULT_TABLE: BuiltInTableName = 'model-studio/singapore'

/** The built-in limits tables by name. Each row has its source, region and date. Tables and rows are frozen. */
export const builtInTables: Readonly<Record<BuiltInTableName, LimitsTable>> = Object.freeze({
  'model-studio/international-2025': international2025,
  'model-studio/singapore': singapore,
  'model-studio/beijing': beijing,
  'model-studio/virginia': virginia,
})
