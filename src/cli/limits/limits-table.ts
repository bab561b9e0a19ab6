import { type BuiltInTableName, builtInTables } from '../../limits/index.js'
import { loadLimits } from '../../node/load-limits.js'
import type { LimitsTable } from '../../types.js'
import { UsageError } from '../exit-codes.js'

/**
 * The table that `--limits` means: a built-in one by its name, or a JSON file.
 *
 * @throws UsageError for what is neither; what `loadLimits` throws
 */
export async function limitsTable(nameOrPath: string): Promise<LimitsTable> {
  if (Object.hasOwn(builtInTables, nameOrPath)) return builtInTables[nameOrPath as BuiltInTableName]
  return await loadLimits(pathOf(nameOrPath))
}

/** What looks neither like a file nor is a table's name is a mistake in the name. */
function pathOf(name: string): string {
  if (/[./\\]/.test(name) && !name.startsWith('model-studio/')) return name
  throw new UsageError(
    `no built-in limits '${name}': there are ${Object.keys(builtInTables).join(', ')}; a file is ./${name}`,
  )
}
