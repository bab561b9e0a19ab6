import * as fc from 'fast-check'
import type { LimiterOptions } from '../../src/index.js'
import { refusals } from '../dispatch/setup.js'
import type { End, Part, Plan } from './jobs.js'
import type { World } from './world.js'

type Act = (world: World) => Promise<void> | void

/** One thing that befalls a limiter. */
class Command implements fc.AsyncCommand<World, World> {
  readonly #name: string
  readonly #act: Act

  constructor(name: string, act: Act) {
    this.#name = name
    this.#act = act
  }

  check(): boolean {
    return true
  }

  async run(world: World): Promise<void> {
    await this.#act(world)
    await world.check()
  }

  toString(): string {
    return this.#name
  }
}

function commandOf<T>(name: string, values: fc.Arbitrary<T>, act: (world: World, value: T) => Promise<void> | void) {
  return values.map((value) => new Command(`${name}(${fc.stringify(value)})`, (world) => act(world, value)))
}

const part = fc.constantFrom<Part>('account', 'workspace')
const ends = fc.oneof(
  { arbitrary: fc.constantFrom<End>('less', 'equal', 'more'), weight: 3 },
  { arbitrary: fc.constantFrom<End>('throws', 'aborts', 'hangs', 'fault'), weight: 2 },
  { arbitrary: fc.constantFrom(...(Object.keys(refusals) as (keyof typeof refusals)[])), weight: 2 },
)

/** Of tokens: small, large, and more than any limit here; 800 become too much when limits are lowered. */
const plan = (deadlines: readonly (number | undefined)[]): fc.Arbitrary<Plan> =>
  fc.record({
    part,
    tenant: fc.constantFrom(undefined, 'x', 'y', 'z'),
    priority: fc.constantFrom(0, 0, 1, -1),
    tokens: fc.constantFrom(0, 20, 20, 100, 100, 100, 400, 400, 800, 5000),
    deadlineMs: fc.constantFrom(...deadlines),
    signal: fc.constantFrom('none' as const, 'own' as const, 'shared' as const),
    attempts: fc.array(fc.record({ ends, atOnce: fc.boolean() }), { minLength: 1, maxLength: 3 }),
  })

const limits = fc.oneof(
  fc.record({ tpm: fc.constantFrom(300, 600, 1000, 3000) }),
  fc.record({ rpm: fc.constantFrom(2, 5, 10, 60) }),
  fc.record({ concurrency: fc.constantFrom(1, 3, Infinity) }),
)

function schedule(deadlines: readonly (number | undefined)[]) {
  const plans = fc.array(plan(deadlines), { minLength: 1, maxLength: 4 })
  return commandOf('schedule', plans, async (world, plans) => {
    for (const plan of plans) {
      world.schedule(plan)
      await world.check()
    }
  })
}

const answer = commandOf('answer', fc.constantFrom(1, 2, 3, Infinity), (world, most) => world.answer(most))
const advance = commandOf('advance', fc.constantFrom(0, 1, 499, 1000, 7000, 60_100, 310_000), (world, ms) =>
  world.advance(ms),
)
const abort = commandOf('abort', fc.nat(20), (world, which) => {
  if (world.jobs.length > 0) world.abort(which)
})
const setLimits = commandOf('setLimits', fc.tuple(part, limits), (world, [part, limits]) =>
  world.setLimits(part, limits),
)
const setPaused = commandOf('setPaused', fc.tuple(part, fc.boolean()), (world, [part, isPaused]) =>
  world.setPaused(part, isPaused),
)
const drain = commandOf('drain', part, (world, part) => world.drain(part))
const settle = commandOf('settle', fc.nat(20), (world, which) => world.settle(which))
/** Seldom: what comes after it is refused. */
const close = commandOf('close the workspace', fc.nat(7), (world, which) => {
  if (which < 2) world.close('workspace', which === 1)
})

const anyDeadline = [undefined, undefined, undefined, 0, 700, 20_000, 65_000, 400_000]

/** A history of at most so many commands: more than half of them schedule, answer or let time pass. */
export function commands(maxCommands: number, deadlines: readonly (number | undefined)[] = anyDeadline) {
  const jobs = schedule(deadlines)
  const kinds = [jobs, jobs, jobs, jobs, answer, answer, advance, advance, abort, setLimits, setPaused]
  const replayPath = process.env['PROPERTY_REPLAY_PATH']
  return fc.commands<World, World, false>([...kinds, drain, settle, close], {
    maxCommands,
    size: 'max',
    ...(replayPath !== undefined && { replayPath }),
  })
}

export const options: fc.Arbitrary<LimiterOptions> = fc.record({
  fallback: fc.constantFrom({}, { a: ['b'] }),
  maxQueue: fc.constantFrom(undefined, undefined, 3),
  maxBackfillDelayMs: fc.constantFrom(0, 2000, Infinity),
  maxRetries: fc.constantFrom(0, 1, 4),
  fallbackAfterWaitMs: fc.constantFrom(undefined, undefined, 0, 1000),
  perSecond: fc.boolean(),
  networkJitterMs: fc.constantFrom(0, 50),
  startFull: fc.boolean(),
  tenantWeights: fc.constant({ x: 3 }),
})

export const closing = fc.constantFrom('drain' as const, 'close' as const, 'abandon' as const)
