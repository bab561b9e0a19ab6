import { callback, integer, list, named, number, oneOf, record, text, texts } from '../checks.js'
import type { ControlPlaneOptions } from '../options/control-plane-options.js'
import { controlPlaneNames } from './option-names.js'

/** The options of the control plane, checked and with their defaults. */
export interface ControlPlaneSettings extends Required<Omit<ControlPlaneOptions, 'deployable'>> {
  readonly deployable: ReadonlySet<string> | undefined
}

/** @throws InvalidRequest that names the wrong option */
export function controlPlaneSettings(options: ControlPlaneOptions): ControlPlaneSettings {
  const {
    baseCapacity = {},
    deployable,
    deployMs = [300_000, 600_000],
  } = named('controlPlane', options, controlPlaneNames)
  const [from, to] = list('controlPlane.deployMs', deployMs, 'two numbers')
  for (const [model, units] of Object.entries(
    record('controlPlane.baseCapacity', baseCapacity, 'units for each model'),
  )) {
    integer(`controlPlane.baseCapacity.${model}`, units, 1)
  }
  return {
    quotasPath: text('controlPlane.quotasPath', options.quotasPath ?? '/api/v1/quotas'),
    defaultWorkspace: text('controlPlane.defaultWorkspace', options.defaultWorkspace ?? 'llm-simulated'),
    deployable: deployable === undefined ? undefined : new Set(texts('controlPlane.deployable', deployable)),
    baseCapacity,
    pendingMs: number('controlPlane.pendingMs', options.pendingMs ?? 30_000, 0),
    deployMs: deployMsOf(from, to),
    updateMs: number('controlPlane.updateMs', options.updateMs ?? 10_000, 0),
    scaleMs: number('controlPlane.scaleMs', options.scaleMs ?? 60_000, 0),
    deleteMs: number('controlPlane.deleteMs', options.deleteMs ?? 30_000, 0),
    updatingStatus: oneOf('controlPlane.updatingStatus', options.updatingStatus ?? 'UPDATING', [
      'UPDATING',
      'PENDING',
    ] as const),
    scalingStatus: oneOf('controlPlane.scalingStatus', options.scalingStatus ?? 'UPDATING', [
      'UPDATING',
      'SCALING',
    ] as const),
    failsToDeploy: callback('controlPlane.failsToDeploy', options.failsToDeploy ?? (() => false)),
  }
}

function deployMsOf(from: unknown, to: unknown): readonly [number, number] {
  const shortest = number('controlPlane.deployMs', from, 0)
  return [shortest, number('controlPlane.deployMs', to, shortest)]
}
