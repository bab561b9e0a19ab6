import type { LimitsTable } from '../types.js'
import { beijing } from './data/beijing.js'
import { international2025 } from './data/international-2025.js'
import { singapore } from './data/singapore.js'
import { virginia } from './data/virginia.js'

/** The names by which the built-in tables are asked for. */
export type BuiltInTableName =
  | 'model-studio/international-2025'
  | 'model-studio/singapore'
  | 'model-studio/beijing'
  | 'model-studio/virginia'

/** The table in force where none is named. */
export const DEFAULT_TABLE: BuiltInTableName = 'model-studio/singapore'

/** The built-in tables by name. Each row carries its source, region and date; all of it is frozen. */
export const builtInTables: Readonly<Record<BuiltInTableName, LimitsTable>> = Object.freeze({
  'model-studio/international-2025': international2025,
  'model-studio/singapore': singapore,
  'model-studio/beijing': beijing,
  'model-studio/virginia': virginia,
})
