import type { SimulatorOptions } from 'headgate/simulator'
import type { OpenAISdk } from './sdk.js'
import type { World } from './world.js'

/** Something that is done twice, with the raw client and with the wrapped one, each with a service of its own. */
export interface Case<Sdk = OpenAISdk> {
  readonly name: string
  readonly service?: SimulatorOptions
  /** Whether the service's time passes; else it answers at once, and always at the same second. @default false */
  readonly timed?: true
  /** Whether a client backs off or times out in the case, by the machine's clock. @default false */
  readonly waits?: true
  /** Does it, asserts that it went as it should, and returns all that its caller saw. */
  run(world: World<Sdk>): Promise<unknown>
  /** Left out: nothing may differ. */
  readonly difference?: Difference
}

/** What is different by design. */
export interface Difference {
  readonly why: string
  /** Whether this release is one that shows it. @default always */
  shows?(raw: Outcome): boolean
  /** Throws unless raw and wrapped differ in just the way that is meant. */
  check(raw: Outcome, wrapped: Outcome): void
}

/** What came of one run, in plain values. */
export interface Outcome {
  readonly seen: unknown
  readonly requests: readonly SentRequest[]
}

/** A request as it arrived at the service. */
export interface SentRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}
