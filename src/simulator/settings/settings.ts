import { systemClock } from '../../clock.js'
import type { Clock } from '../../clock.js'
import { epoch, integer, named, text, texts, invalidOption } from '../checks.js'
import type { SimulatorOptions } from '../options/simulator-options.js'
import { answerSettings } from './answer-settings.js'
import type { AnswerSettings } from './answer-settings.js'
import { limitSettings } from './limit-settings.js'
import type { LimitSettings } from './limit-settings.js'
import { clockNames, optionNames } from './option-names.js'
import { batchSettings } from './batch-settings.js'
import { controlPlaneSettings } from './control-plane-settings.js'
import type { BatchSettings } from './batch-settings.js'
import type { ControlPlaneSettings } from './control-plane-settings.js'

/** All options, checked and with their defaults. */
export interface Settings extends LimitSettings, AnswerSettings {
  readonly seed: number
  readonly apiKeys: ReadonlySet<string> | undefined
  readonly maxBodyBytes: number
  readonly maxTotalBytes: number
  readonly controlPlane: ControlPlaneSettings
  readonly batch: BatchSettings
  readonly clock: Clock
  readonly epochMs: number
  readonly ledgerSize: number
  readonly port: number
  readonly host: string
}

const MiB = 1024 * 1024

/**
 * Checks the options and adds the defaults.
 *
 * @throws InvalidRequest for an unknown name or a wrong value. The message names the option, its allowed values and the
 * given value.
 * @throws InvalidLimits for a wrong row
 */
export function settingsOf(options: SimulatorOptions): Settings {
  const { apiKeys, controlPlane, batch } = named(undefined, options, optionNames)
  const maxBodyBytes = integer('maxBodyBytes', options.maxBodyBytes ?? 16 * MiB, 1)
  return {
    ...limitSettings(options),
    ...answerSettings(options),
    seed: integer('seed', options.seed ?? 1, -Infinity),
    apiKeys: apiKeys === undefined ? undefined : new Set(texts('apiKeys', apiKeys)),
    maxBodyBytes,
    maxTotalBytes: integer('maxTotalBytes', options.maxTotalBytes ?? Math.max(64 * MiB, maxBodyBytes), 1),
    controlPlane: controlPlaneSettings(controlPlane === undefined ? {} : controlPlane),
    batch: batchSettings(batch === undefined ? {} : batch),
    clock: clockOf(options.clock === undefined ? systemClock : options.clock),
    epochMs: epoch('epochMs', options.epochMs ?? Date.now()),
    ledgerSize: integer('ledgerSize', options.ledgerSize ?? 250_000, 1),
    port: integer('port', options.port ?? 0, 0, 65_535),
    host: text('host', options.host ?? '127.0.0.1'),
  }
}

function clockOf(clock: Clock): Clock {
  const isClock =
    typeof clock === 'object' && clock !== null && clockNames.every((name) => typeof clock[name] === 'function')
  if (isClock) return clock
  throw invalidOption('clock', `an object with the functions ${clockNames.join(', ')}`, clock)
}
