import { IN_BATCH, DONE, type DoneIds } from '../file/done-ids.js'
import { FaultList } from '../file/fault-list.js'
import { readFileBytes } from '../file/input-file.js'
import { readLines, splitLines } from '../file/read-lines.js'
import { claimLine, readText } from '../file/read-requests.js'
import { isFault, type LineFault } from '../file/request-line.js'
import { countResult } from '../run/run-counts.js'
import { unsendable } from '../file/batch-record.js'
import type { PartLedger } from './part-ledger.js'
import type { MergeTarget } from './merge.js'
import { isUnderWay, type PartLimits } from './part.js'
import { Staging } from './staging.js'

/**
 * Adds the lines of known parts to `ids`. Removes parts that are not under way if a line of theirs is done or their file is
 * missing. Resolves to false if the file of a batch under way is missing. The caller must then submit nothing.
 */
export async function reopen(ledger: PartLedger, ids: DoneIds): Promise<boolean> {
  let isKnown = true
  for (const part of ledger.parts) {
    const isStaged = await ledger.isStaged(part)
    if (isUnderWay(part)) {
      isKnown &&= isStaged
      if (isStaged) for await (const id of idsIn(ledger.pathOf(part))) ids.add(id, IN_BATCH)
      continue
    }
    const lines: string[] = []
    let isDone = false
    if (isStaged) {
      for await (const id of idsIn(ledger.pathOf(part))) {
        lines.push(id)
        isDone ||= (ids.known(id) & DONE) !== 0
      }
    }
    if (!isStaged || isDone) await ledger.remove(part)
    else for (const id of lines) ids.add(id, IN_BATCH)
  }
  return isKnown
}

async function* idsIn(path: string): AsyncGenerator<string> {
  for await (const { bytes } of splitLines(readFileBytes(path))) {
    yield (JSON.parse(bytes!.toString('utf8')) as { custom_id: string }).custom_id
  }
}

/** The options of `BatchApiOptions` that concern the input. */
interface InputOptions {
  readonly input: string
  readonly model?: string | undefined
  readonly strict?: boolean | undefined
}

/**
 * Stages every line that is neither done nor in a part. Writes an error record for each line that cannot be sent.
 *
 * @throws FileError, also for a line that cannot be sent if `strict` is set
 */
export async function stageInput(
  { input, model, strict = false }: InputOptions,
  limits: PartLimits,
  { ledger, target, stopped }: { ledger: PartLedger; target: MergeTarget; stopped: AbortSignal },
): Promise<void> {
  const staging = new Staging({ limits, next: ledger.next, pathOf: (part) => ledger.pathOf(part) })
  const faults = new FaultList()
  try {
    for await (const given of readLines(readFileBytes(input))) {
      if (stopped.aborted) return await staging.discard()
      target.counts.read++
      const read = claimLine(readText(given, model), target.ids)
      if (read === undefined) continue
      const fault = isFault(read) ? read : await staging.add(read)
      if (fault === undefined) continue
      faults.add(fault)
      if (!strict && (isFault(read) || claimLine(fault, target.ids) !== undefined)) await writeFault(fault, target)
    }
    if (strict) faults.throwIfAny(input)
    await ledger.add(await staging.finish())
  } catch (error) {
    await staging.discard()
    throw error
  }
}

async function writeFault(fault: LineFault, { sinks, counts, onResult }: MergeTarget): Promise<void> {
  const { line: _line, ...result } = unsendable(fault)
  await sinks.errors.append(JSON.stringify(result.record))
  countResult(counts, result)
  onResult(result)
}
