import { errorCode, fileReason } from '../../system-errors.js'

/**
 * A file cannot be read or written, or is not the one that it must be. Nothing that was written before is lost, and once
 * the file is mended the same run goes on where it stopped. `cause` is the system's error, where there is one.
 */
export class FileError extends Error {
  readonly code = 'file_error'

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** What the system refused, in words; `what` is the file as the message calls it. Other errors come back as they are. */
export function fileErrorOf(error: unknown, what: string, doing: 'read' | 'written'): unknown {
  if (error instanceof FileError || !(error instanceof Error)) return error
  if (errorCode(error) === undefined) return error
  return new FileError(`${what} ${fileReason(error, doing)}`, { cause: error })
}
