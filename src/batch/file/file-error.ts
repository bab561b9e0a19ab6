/**
 * A file cannot be read or written, or is not the one that it must be. Nothing that was written before is lost, and once
 * the file is mended the same run goes on where it stopped. `cause` is the system's error, where there is one.
 */
export class FileError extends Error {
  readonly code = 'file_trouble'

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** What the system refused, in words; `what` is the file as the message calls it. Other errors come back as they are. */
export function fileErrorOf(error: unknown, what: string, doing: 'read' | 'written'): unknown {
  if (error instanceof FileError || !(error instanceof Error)) return error
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined) return error
  return new FileError(`${what} ${reasonOf(code, doing, error.message)}`, { cause: error })
}

function reasonOf(code: string, doing: string, message: string): string {
  switch (code) {
    case 'ENOENT':
      return doing === 'read' ? 'does not exist' : 'cannot be written: its folder does not exist'
    case 'EISDIR':
      return 'is a directory: give the path of a file'
    case 'EACCES':
    case 'EPERM':
      return `may not be ${doing}: check its permissions`
    case 'EROFS':
      return 'cannot be written: the file system is read-only'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'cannot be written: the disk is full'
    case 'EFBIG':
      return 'cannot be written: it would be larger than files may be here'
    case 'EPIPE':
      return 'cannot be written: nobody reads it any more'
    case 'Z_DATA_ERROR':
      return 'is not in the gzip format, or damaged'
    case 'Z_BUF_ERROR':
      return 'breaks off in the middle: the gzip file is not whole'
    default:
      return `cannot be ${doing}: ${message}`
  }
}
