/**
 * How far a part is. Each is on the disk before the step that leads out of it begins: `uploading` and `submitting` say that a
 * request was on its way, and that what came of it is not known.
 */
export type PartState = 'staged' | 'uploading' | 'uploaded' | 'submitting' | 'submitted'

/** One file of a batch: lines of one model and one endpoint. What of it is not known yet is undefined. */
export interface Part {
  /** From 1, never given twice for an output. */
  readonly number: number
  readonly model: string
  /** `/v1/chat/completions`. */
  readonly endpoint: string
  readonly lines: number
  readonly bytes: number
  readonly state: PartState
  readonly fileId?: string | undefined
  /** By the service's clock, in epoch seconds. */
  readonly fileCreatedAt?: number | undefined
  readonly batchId?: string | undefined
}

/** How large the files of a batch may be. */
export interface PartLimits {
  readonly maxFileLines: number
  readonly maxFileBytes: number
  readonly maxLineBytes: number
}

/** Model Studio's and OpenAI's. Whether a MB has 1,000² or 1,024² bytes is not documented: the smaller is within both. */
export const PART_LIMITS: PartLimits = {
  maxFileLines: 50_000,
  maxFileBytes: 500_000_000,
  maxLineBytes: 6_000_000,
}

/** Where the lines of a part stand until all of them have an answer. */
export function partPath(output: string, part: number): string {
  return `${output}.headgate-${part}.jsonl`
}

/** Whether the service has its batch, or may have it. */
export function isUnderWay({ state }: Pick<Part, 'state'>): boolean {
  return state === 'submitting' || state === 'submitted'
}
