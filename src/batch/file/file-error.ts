import { errorCode, fileReason } from '../../system-errors.js'

/**
 * A file cannot be read or written, or is not the expected file. No written result is lost. Once the cause is removed, the
 * same call resumes the run. `cause` is the operating system's error, if there is one.
 */
export class FileError extends Error {
  readonly code = 'file_error'

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** Turns a system error into a `FileError`. `what` names the file in the message. Other errors are returned unchanged. */
export function fileErrorOf(error: unknown, what: string, doing: 'read' | 'written'): unknown {
  if (error instanceof FileError || !(error instanceof Error)) return error
  if (errorCode(error) === undefined) return error
  return new FileError(`${what} ${fileReason(error, doing)}`, { cause: error })
}
