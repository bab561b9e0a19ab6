import { expectRequest, type PlannedRequest } from '../../batch/plan/expect-request.js'
import { FaultList } from '../../batch/file/fault-list.js'
import { FileError } from '../../batch/file/file-error.js'
import { readRequests } from '../../batch/file/read-requests.js'
import { isFault } from '../../batch/file/request-line.js'
import type { Terminal } from '../terminal/terminal.js'

/** What stands in an input, as a plan counts it. */
export interface PlannedInput {
  readonly requests: readonly PlannedRequest[]
  readonly faults: FaultList
}

/**
 * Reads all requests of a file, or of the standard input for `-`. `model` is that of lines that name none.
 * @throws FileError, for an input without any line too
 */
export async function plannedInput(
  path: string,
  { model, outputTokens }: { readonly model?: string | undefined; readonly outputTokens?: number | 'max' | undefined },
  terminal: Terminal,
): Promise<PlannedInput> {
  const requests: PlannedRequest[] = []
  const faults = new FaultList()
  for await (const read of readRequests(path === '-' ? terminal.input() : path, { model })) {
    if (isFault(read)) faults.add(read)
    else requests.push(expectRequest(read.body, { model, route: read.route, outputTokens }))
  }
  if (requests.length + faults.count > 0) return { requests, faults }
  throw new FileError(`${path === '-' ? 'the standard input' : `'${path}'`} is empty: there is nothing to send`)
}

/** The faults for the standard error output; nothing where there are none. */
export function faultsText({ count, text }: FaultList): string {
  return count === 0 ? '' : `${count.toLocaleString('en')} lines cannot be sent:\n${text}\n`
}
