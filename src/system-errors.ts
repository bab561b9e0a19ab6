/** An error of the operating system, as Node throws it. */
export type SystemError = Error & { readonly code?: string; readonly syscall: string }

/** Whether `error` says that the operating system refused something. */
export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error
}

/** The code of a system's or a library's error, such as `ENOENT`; undefined if it has none. */
export function errorCode(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' ? code : undefined
}

export interface FileReasonOptions {
  /** What belongs in the place of a directory. @default 'file' */
  readonly kind?: 'file' | 'JSON file'
  /** The folder that a relative path begins at, for a file that does not exist. @default not said */
  readonly workingDirectory?: string
}

/** Why a file cannot be written, by the system's code. */
const WRITE_REASONS: ReadonlyMap<string | undefined, string> = new Map([
  ['EROFS', 'the file system is read-only'],
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the disk is full'],
  ['EFBIG', 'it would be larger than files may be here'],
  ['EPIPE', 'nobody reads it any more'],
])

/** Why a file could not be `read` or `written`, in words that follow its name. Codes of gzip errors have words, too. */
export function fileReason(
  error: unknown,
  doing: 'read' | 'written',
  { kind = 'file', workingDirectory }: FileReasonOptions = {},
): string {
  const code = errorCode(error)
  switch (code) {
    case 'ENOENT':
      if (doing === 'written') return 'cannot be written: its folder does not exist'
      return `does not exist${workingDirectory === undefined ? '' : ` (the working directory is ${workingDirectory})`}`
    case 'EISDIR':
      return `is a directory: give the path of a ${kind}`
    case 'EACCES':
    case 'EPERM':
      return `may not be ${doing}: check its permissions`
    case 'Z_DATA_ERROR':
      return 'is not in the gzip format, or damaged'
    case 'Z_BUF_ERROR':
      return 'breaks off in the middle: the gzip file is not whole'
    default: {
      const known = doing === 'written' ? WRITE_REASONS.get(code) : undefined
      return `cannot be ${doing}: ${known ?? (error as Error).message}`
    }
  }
}
