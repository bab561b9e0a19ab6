import type { Clock } from '../../clock.js'
import type { AnswerOptions } from './answer-options.js'
import type { LimitOptions } from './limit-options.js'
import type { BatchOptions } from './batch-options.js'
import type { ControlPlaneOptions } from './control-plane-options.js'

/**
 * What the simulated service is like. "Documented" is what the vendor says; "a guess" is where the vendor says nothing, so
 * a client should do well under every setting.
 */
export interface SimulatorOptions extends LimitOptions, AnswerOptions {
  /** Draws ids, lengths, latencies, shapes and faults. Requests are numbered as they arrive. @default 1 */
  readonly seed?: number
  /**
   * The keys that are known; any other gets a 401 (documented), before the size of its body is looked at (a guess). Left
   * out: none is asked for.
   */
  readonly apiKeys?: readonly string[]
  /**
   * Bodies with more bytes than this get a 413; what they have in base64 does not count (documented; that it is what follows
   * `;base64,` in a string is a guess). Files have a bound of their own. @default 16 MiB
   */
  readonly maxBodyBytes?: number
  /** Bodies with more bytes than this, base64 and all, get a 413 (documented). @default 64 MiB, or `maxBodyBytes` if larger */
  readonly maxTotalBytes?: number
  /** The live table of quotas, and deployments. */
  readonly controlPlane?: ControlPlaneOptions
  /** Files and batches. */
  readonly batch?: BatchOptions
  /** The time; all delays and windows go through it. @default the machine's */
  readonly clock?: Clock
  /** The wall time at the start, for headers and `created`, in epoch milliseconds, up to the year 9999. @default Date.now() */
  readonly epochMs?: number
  /** How many requests the ledger keeps one by one; the sums are of all. @default 250_000 */
  readonly ledgerSize?: number
  /** @default 0, a free port */
  readonly port?: number
  /** @default '127.0.0.1', reached from this machine alone */
  readonly host?: string
}
