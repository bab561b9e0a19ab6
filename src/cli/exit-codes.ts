import { FileError } from '../batch/file/file-error.js'
import { isHeadgateError } from '../errors.js'
import { ModelStudioError } from '../model-studio/index.js'
import { isSystemError } from '../system-errors.js'

/** The exit codes of the process. A run that ends with 3 (exhausted quota), 4 or 130 can be resumed. */
export const EXIT = {
  done: 0,
  someFailed: 1,
  usageError: 2,
  quotaExhausted: 3,
  fileError: 4,
  interrupted: 130,
} as const

/** The command line is invalid. The message gives the correction. */
export class UsageError extends Error {}

/** Returns the exit code for an error of a command. Undefined means a bug, which is shown with its stack. */
export function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof UsageError) return EXIT.usageError
  if (error instanceof FileError) return EXIT.fileError
  if (error instanceof ModelStudioError) return EXIT.someFailed
  if (!isHeadgateError(error, 'invalid_limits') && !isHeadgateError(error, 'invalid_request')) return undefined
  return isSystemError(error.cause) ? EXIT.fileError : EXIT.usageError
}
