import type { Clock } from '../../clock.js'
import type { AnswerOptions } from './answer-options.js'
import type { LimitOptions } from './limit-options.js'
import type { BatchOptions } from './batch-options.js'
import type { ControlPlaneOptions } from './control-plane-options.js'

/**
 * The options of the simulated service.
 *
 * "Documented" means that the service's documents say it. "A guess" means that they do not, so a client must work with
 * every setting. "Chosen" means that the number matters to the simulator only.
 */
export interface SimulatorOptions extends LimitOptions, AnswerOptions {
  /** The seed for ids, lengths, latencies, error forms and faults. Requests are numbered as they arrive. @default 1 */
  readonly seed?: number
  /**
   * The accepted API keys. A request with another key gets a 401 (documented), before the size of its body is checked
   * (a guess).
   * @default every key, and none, is accepted
   */
  readonly apiKeys?: readonly string[]
  /**
   * The largest body in bytes; a larger one gets a 413. Base64 data does not count (documented). A guess: base64 data
   * is the text after `;base64,` in a string. Uploaded files have their own bound. @default 16 MiB
   */
  readonly maxBodyBytes?: number
  /**
   * The largest body in bytes with base64 data; a larger one gets a 413 (documented). @default 64 MiB, or
   * `maxBodyBytes` if larger
   */
  readonly maxTotalBytes?: number
  /** The options of the live table of quotas and of deployments. */
  readonly controlPlane?: ControlPlaneOptions
  /** The options of files and batches. */
  readonly batch?: BatchOptions
  /** The clock for all delays and windows. @default the machine's clock */
  readonly clock?: Clock
  /**
   * The wall time at the start, for headers and `created`, in epoch milliseconds, up to the year 9999. @default
   * Date.now()
   */
  readonly epochMs?: number
  /**
   * How many of the latest requests the ledger lists. Its totals include all requests. Chosen: a listed request takes
   * memory.
   * @default 250_000
   */
  readonly ledgerSize?: number
  /** The port. @default 0, a free port */
  readonly port?: number
  /** The address to listen on. @default '127.0.0.1', which only this machine can reach */
  readonly host?: string
}
