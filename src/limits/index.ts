/** The built-in limits tables, and the check for tables of your own. */
export { type BuiltInTableName, builtInTables } from './built-in-tables.js'
export { beijing } from './data/beijing.js'
export { international2025 } from './data/international-2025.js'
export { singapore } from './data/singapore.js'
export { virginia } from './data/virginia.js'
export { joinLimits } from './sources/join-limits.js'
export { validateTable } from './validation.js'
export type { Limits, LimitsHost, LimitsRow, LimitsSource, LimitsTable } from '../types.js'
