import { randomUUID } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { FileError } from '../file/file-error.js'
import type { Fingerprint } from '../file/input-file.js'
import { readSidecar, writeSidecar, type Sidecar } from '../file/sidecar.js'
import { isUnderWay, partPath, type Part } from './part.js'

/** The ledger in the sidecar's field `batches`. */
interface StoredLedger {
  /** A random id of this output. The names of its files at the service contain it. */
  readonly run: string
  /** The SHA-256 of the input that the parts belong to. */
  readonly input: string
  /** The base URL of the service that holds the files and batches. */
  readonly baseURL: string
  /** The number of the next part. */
  readonly next: number
  /** The parts that have not ended. */
  readonly parts: readonly Part[]
}

/** Keeps the parts of an output that have not ended. Every change is on disk before the method resolves. */
export class PartLedger {
  readonly #output: string
  #sidecar: Sidecar
  #kept: StoredLedger

  private constructor(output: string, sidecar: Sidecar, kept: StoredLedger) {
    this.#output = output
    this.#sidecar = sidecar
    this.#kept = kept
  }

  /**
   * Opens the ledger of an output. The output must have a sidecar. Parts of another input are dropped, so the caller must
   * first check that none of them is under way.
   *
   * @throws FileError if the sidecar is missing, or if batches are under way at another service
   */
  static async open(output: string, baseURL: string): Promise<PartLedger> {
    const sidecar = await readSidecar(output)
    if (sidecar === undefined) throw new FileError(`the sidecar of '${output}' has vanished: give another output`)
    const input = sidecar.input.sha256
    const known = storedIn(sidecar)
    if (known === undefined) {
      return new PartLedger(output, sidecar, { run: randomUUID().slice(0, 8), input, baseURL, next: 1, parts: [] })
    }
    if (known.baseURL !== baseURL && known.parts.some(isUnderWay)) {
      throw new FileError(`the batches of '${output}' are at ${known.baseURL}, not at ${baseURL}: give that base URL`)
    }
    const staged = known.input === input ? known.parts : []
    // A file that was uploaded to another service cannot be submitted to this one.
    const parts = staged.map((part): Part =>
      known.baseURL === baseURL ? part : { ...part, state: 'staged', fileId: undefined },
    )
    return new PartLedger(output, sidecar, { ...known, input, baseURL, parts })
  }

  get parts(): readonly Part[] {
    return this.#kept.parts
  }

  get next(): number {
    return this.#kept.next
  }

  pathOf(part: Pick<Part, 'number'>): string {
    return partPath(this.#output, part.number)
  }

  /** Returns the name of a part's file at the service. No other part has this name. */
  filenameOf({ number }: Part): string {
    return `headgate-${this.#kept.run}-${number}.jsonl`
  }

  /** Whether the part's file beside the output exists and has its full length. */
  async isStaged(part: Part): Promise<boolean> {
    const found = await stat(this.pathOf(part)).catch(() => undefined)
    return found?.size === part.bytes
  }

  async add(parts: readonly Part[]): Promise<void> {
    const next = Math.max(this.#kept.next, ...parts.map(({ number }) => number + 1))
    await this.#write({ ...this.#kept, next, parts: [...this.#kept.parts, ...parts] })
  }

  /** Changes a part. Resolves once the change is on disk. */
  async update(part: Part, change: Partial<Part>): Promise<Part> {
    const changed = { ...part, ...change }
    const parts = this.#kept.parts.map((one) => (one.number === part.number ? changed : one))
    await this.#write({ ...this.#kept, parts })
    return changed
  }

  /** Removes a part and its file. A later run treats its unanswered lines like any others. */
  async remove(part: Part): Promise<void> {
    await this.#write({ ...this.#kept, parts: this.#kept.parts.filter(({ number }) => number !== part.number) })
    await rm(this.pathOf(part), { force: true })
  }

  /** Deletes files of unfinished staging, which remain after a kill. */
  async clean(): Promise<void> {
    const [folder, prefix] = [dirname(this.#output), `${basename(this.#output)}.headgate-`]
    const known = new Set(this.parts.map((part) => basename(this.pathOf(part))))
    for (const name of await readdir(folder)) {
      if (!name.startsWith(prefix) || !/^\d+\.jsonl$/.test(name.slice(prefix.length)) || known.has(name)) continue
      await rm(join(folder, name), { force: true })
    }
  }

  async #write(kept: StoredLedger): Promise<void> {
    const sidecar = { ...this.#sidecar, batches: kept }
    await writeSidecar(this.#output, sidecar)
    this.#sidecar = sidecar
    this.#kept = kept
  }
}

/**
 * Checks that every batch under way belongs to this input.
 *
 * @throws FileError if the input has changed
 */
export async function checkSameParts(output: string, print: Fingerprint): Promise<void> {
  const sidecar = await readSidecar(output)
  const kept = sidecar && storedIn(sidecar)
  if (kept === undefined || !kept.parts.some(isUnderWay) || kept.input === print.sha256) return
  throw new FileError(
    `the input has changed since batches of the output '${output}' were submitted, and they are under way: ` +
      'put it back as it was, cancel them, or give another output',
  )
}

function storedIn(sidecar: Sidecar): StoredLedger | undefined {
  const kept = sidecar['batches'] as Partial<StoredLedger> | undefined
  return Array.isArray(kept?.parts) ? (kept as StoredLedger) : undefined
}

/**
 * Checks that no batch of the output is under way. A live run would pay for its lines a second time.
 *
 * @throws FileError if a batch is under way
 */
export async function checkNoBatches(output: string): Promise<void> {
  const sidecar = await readSidecar(output)
  const underWay = (sidecar && storedIn(sidecar)?.parts.filter(isUnderWay)) ?? []
  if (underWay.length === 0) return
  const lines = underWay.reduce((sum, part) => sum + part.lines, 0)
  const [batches, are] = underWay.length === 1 ? ['a batch', 'is'] : [`${underWay.length} batches`, 'are']
  throw new FileError(
    `${batches} of the output '${output}' with ${lines.toLocaleString('en')} lines ${are} under way at the Batch API: ` +
      'go on with --via batch-api, or cancel there first; what is sent again now would be paid twice',
  )
}
