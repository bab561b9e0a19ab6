import { integer, number, oneOf } from './checks.js'
import type { BatchOptions, ControlPlaneOptions } from './options/planes.js'

/** The options of the control plane with their defaults, checked. */
export interface ControlPlaneSettings extends Required<Omit<ControlPlaneOptions, 'deployable'>> {
  readonly deployable: ReadonlySet<string> | undefined
}

/** The options of files and batches with their defaults, checked. */
export interface BatchSettings extends Required<Omit<BatchOptions, 'failLine'>> {
  readonly failLine: BatchOptions['failLine']
}

const MB = 1024 * 1024

/** @throws InvalidRequest */
export function controlPlaneSettings(options: ControlPlaneOptions): ControlPlaneSettings {
  const [from, to] = options.deployMs ?? [300_000, 600_000]
  for (const [model, units] of Object.entries(options.baseCapacity ?? {})) {
    integer(`controlPlane.baseCapacity.${model}`, units, 1)
  }
  return {
    quotasPath: options.quotasPath ?? '/api/v1/quotas',
    defaultWorkspace: options.defaultWorkspace ?? 'llm-simulated',
    deployable: options.deployable && new Set(options.deployable),
    baseCapacity: options.baseCapacity ?? {},
    pendingMs: number('controlPlane.pendingMs', options.pendingMs ?? 30_000, 0),
    deployMs: [number('controlPlane.deployMs', from, 0), number('controlPlane.deployMs', to, from)],
    updateMs: number('controlPlane.updateMs', options.updateMs ?? 10_000, 0),
    scaleMs: number('controlPlane.scaleMs', options.scaleMs ?? 60_000, 0),
    deleteMs: number('controlPlane.deleteMs', options.deleteMs ?? 30_000, 0),
    scalingStatus: oneOf('controlPlane.scalingStatus', options.scalingStatus ?? 'UPDATING', [
      'UPDATING',
      'SCALING',
    ] as const),
    failsToDeploy: options.failsToDeploy ?? (() => false),
  }
}

/** @throws InvalidRequest */
export function batchSettings(options: BatchOptions): BatchSettings {
  return {
    maxFileBytes: integer('batch.maxFileBytes', options.maxFileBytes ?? 500 * MB, 1),
    maxLines: integer('batch.maxLines', options.maxLines ?? 50_000, 1),
    maxLineBytes: integer('batch.maxLineBytes', options.maxLineBytes ?? 6 * MB, 1),
    validateMs: number('batch.validateMs', options.validateMs ?? 1_000, 0),
    linesPerSecond: number('batch.linesPerSecond', options.linesPerSecond ?? 50, Number.MIN_VALUE),
    finalizeMs: number('batch.finalizeMs', options.finalizeMs ?? 1_000, 0),
    cancelMs: number('batch.cancelMs', options.cancelMs ?? 1_000, 0),
    failLine: options.failLine,
    failedLines: oneOf('batch.failedLines', options.failedLines ?? 'error-file', [
      'error-file',
      'output-file',
    ] as const),
  }
}
