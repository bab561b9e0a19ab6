import { FileError } from '../batch/file/file-error.js'
import { isHeadgateError } from '../errors.js'
import { ModelStudioError } from '../model-studio/index.js'
import { isSystemError } from '../system-errors.js'

/** What the process says of itself when it ends. 3 (stopped by a permanent quota), 4 and 130 can be resumed. */
export const EXIT = {
  done: 0,
  someFailed: 1,
  usageError: 2,
  quotaExhausted: 3,
  fileError: 4,
  interrupted: 130,
} as const

/** The command was called in a way that it cannot be; the message says how else. */
export class UsageError extends Error {}

/** The exit code for what a command threw; undefined where it is a fault of ours, to be shown whole. */
export function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof UsageError) return EXIT.usageError
  if (error instanceof FileError) return EXIT.fileError
  if (error instanceof ModelStudioError) return EXIT.someFailed
  if (!isHeadgateError(error, 'invalid_limits') && !isHeadgateError(error, 'invalid_request')) return undefined
  return isSystemError(error.cause) ? EXIT.fileError : EXIT.usageError
}
