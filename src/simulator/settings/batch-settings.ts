import { callback, integer, named, number, oneOf } from '../checks.js'
import type { BatchOptions } from '../options/batch-options.js'
import { batchNames } from './option-names.js'

/** The options of files and batches, checked and with their defaults. */
export interface BatchSettings extends Required<Omit<BatchOptions, 'failLine'>> {
  readonly failLine: BatchOptions['failLine']
}

const MiB = 1024 * 1024

/** @throws InvalidRequest that names the wrong option */
export function batchSettings(options: BatchOptions): BatchSettings {
  const { failLine } = named('batch', options, batchNames)
  return {
    maxFileBytes: integer('batch.maxFileBytes', options.maxFileBytes ?? 500 * MiB, 1),
    maxLines: integer('batch.maxLines', options.maxLines ?? 50_000, 1),
    maxLineBytes: integer('batch.maxLineBytes', options.maxLineBytes ?? 6 * MiB, 1),
    validateMs: number('batch.validateMs', options.validateMs ?? 1_000, 0),
    linesPerSecond: number('batch.linesPerSecond', options.linesPerSecond ?? 50, Number.MIN_VALUE),
    finalizeMs: number('batch.finalizeMs', options.finalizeMs ?? 1_000, 0),
    cancelMs: number('batch.cancelMs', options.cancelMs ?? 1_000, 0),
    failLine: failLine === undefined ? undefined : callback('batch.failLine', failLine),
    failedLines: oneOf('batch.failedLines', options.failedLines ?? 'error-file', [
      'error-file',
      'output-file',
    ] as const),
  }
}
