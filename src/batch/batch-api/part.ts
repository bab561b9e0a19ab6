/**
 * The state of a part. Each state is on disk before the next step begins. After a kill, `uploading` and `submitting` mean that
 * a call was sent and its outcome is unknown.
 */
export type PartState = 'staged' | 'uploading' | 'uploaded' | 'submitting' | 'submitted'

/** The file of one batch: lines of one model and one endpoint. Fields that are not known yet are undefined. */
export interface Part {
  /** From 1. Unique for an output. */
  readonly number: number
  readonly model: string
  /** The path of the endpoint, such as `/v1/chat/completions`. */
  readonly endpoint: string
  readonly lines: number
  readonly bytes: number
  readonly state: PartState
  readonly fileId?: string | undefined
  /** The creation time of the uploaded file by the service's clock, in epoch seconds. */
  readonly fileCreatedAt?: number | undefined
  readonly batchId?: string | undefined
}

/** The maximum size of a batch file. */
export interface PartLimits {
  /** Maximum number of lines of a file. */
  readonly maxFileLines: number
  /** Maximum length of a file, in bytes. */
  readonly maxFileBytes: number
  /** Maximum length of a line, in bytes. */
  readonly maxLineBytes: number
}

/**
 * Documented by Model Studio: 50,000 lines and 500 MB a file, 6 MB a line. The documents do not define MB, so these are
 * the smaller 1,000² bytes. The service rejects a larger file. Smaller values make more batches.
 */
export const PART_LIMITS: PartLimits = {
  maxFileLines: 50_000,
  maxFileBytes: 500_000_000,
  maxLineBytes: 6_000_000,
}

/** Returns the path of a part's file beside the output. The file exists until the batch has ended. */
export function partPath(output: string, part: number): string {
  return `${output}.headgate-${part}.jsonl`
}

/** Whether the service has the part's batch, or may have it. */
export function isUnderWay({ state }: Pick<Part, 'state'>): boolean {
  return state === 'submitting' || state === 'submitted'
}
