import { hashOf, Random } from '../random.js'
import type { Settings } from '../settings/settings.js'

/** A file that a client uploaded or that a batch wrote. */
export interface StoredFile {
  readonly id: string
  readonly content: Buffer
  readonly filename: string
  readonly purpose: string
  /** Epoch seconds. */
  readonly createdAt: number
}

export type FileKind = 'batch' | 'batch_output' | 'batch_error'

/** All files of the simulated account. They are kept in memory. */
export class Files {
  readonly #files = new Map<string, StoredFile>()
  readonly #seed: number
  #added = 0

  constructor(settings: Settings) {
    this.#seed = settings.seed
  }

  add(kind: FileKind, file: Omit<StoredFile, 'id'>): StoredFile {
    const id = `file-${kind}-${new Random(this.#seed + hashOf(kind), this.#added).uuid()}`
    this.#added += 1
    const stored = { id, ...file }
    this.#files.set(id, stored)
    return stored
  }

  get(id: string): StoredFile | undefined {
    return this.#files.get(id)
  }

  delete(id: string): boolean {
    return this.#files.delete(id)
  }

  /** All files, the newest first. */
  list(): StoredFile[] {
    return [...this.#files.values()].toReversed()
  }
}

/** The file object that OpenAI's clients read. */
export function fileObject(file: StoredFile): unknown {
  return {
    id: file.id,
    object: 'file',
    bytes: file.content.length,
    created_at: file.createdAt,
    filename: file.filename,
    purpose: file.purpose,
    status: 'processed',
    status_details: null,
  }
}
