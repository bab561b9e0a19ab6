import { strict as assert } from 'node:assert'
import { aborts, REJECTED } from './worker/aborts.js'
import { replyTo, textOf } from './worker/chat.js'
import { doors } from './worker/doors.js'

/** The longest that a worker may take to answer, in ms. All of them answer in well under a second. */
const MAX_ANSWER_MS = 15_000
const SIX = [1, 2, 3, 4, 5, 6]

/** A worker that runs, and the service that it reaches. */
export interface World {
  readonly worker: string
  readonly service: string
}

export interface Check {
  readonly name: string
  /** Throws if it fails; may return what there is to tell of it. */
  run(world: World): Promise<string | undefined>
}

/** What must hold in every runtime. */
export const checks: readonly Check[] = [
  ...Object.keys(doors).map((door): Check => ({
    name: `a limiter for each request answers six in a row and six at once: ${door}`,
    run: (world) => everyAnswerIs(world, door, replyTo),
  })),
  ...Object.keys(aborts).map((door): Check => ({
    name: `an abort rejects with its reason: ${door}`,
    run: (world) => everyAnswerIs(world, door, () => REJECTED),
  })),
  ...Object.keys(doors).map((door): Check => ({
    name: `one limiter for all requests lets none hang: ${door}`,
    run: (world) => recordShared(world, door),
  })),
]

/** Six requests one after another, then six at once, each of which is to be answered with its own text. */
async function everyAnswerIs(world: World, door: string, expected: (text: string) => string): Promise<undefined> {
  const check = async (text: string): Promise<void> => {
    const { status, said } = await ask(world, 'own', door, text)
    assert.deepEqual({ status, said }, { status: 200, said: expected(text) })
  }
  for (const n of SIX) await check(`${n} in a row`)
  await Promise.all(SIX.map((n) => check(`${n} at once`)))
}

/**
 * Requests that share a limiter may fail: a runtime may forbid one to use what another has made. They must end in time all the
 * same, and leave the worker able to serve.
 *
 * workerd answers all of them while none waits. The limiter's one timer belongs to the request that set it, and ends with it:
 * another request that waits for it is ended by the runtime ("your Worker's code had hung"), with a 500.
 */
async function recordShared(world: World, door: string): Promise<string> {
  const outcomes = new Map<string, number>()
  const count = async (text: string): Promise<void> => {
    const { status, said } = await ask(world, 'shared', door, text)
    const outcome = status === 200 && said.startsWith(replyTo(text)) ? 'answered' : `${status} ${said.slice(0, 160)}`
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  for (const n of SIX) await count(`${n} in a row`)
  await Promise.all(SIX.map((n) => count(`${n} at once`)))
  await everyAnswerIs(world, 'schedule', replyTo)
  return [...outcomes].map(([outcome, times]) => `${times} × ${outcome}`).join(', ')
}

/** @throws TimeoutError where no answer is there in time */
async function ask(
  world: World,
  owner: 'own' | 'shared',
  door: string,
  text: string,
): Promise<{ status: number; said: string }> {
  const query = new URLSearchParams({ service: world.service, text })
  const url = `${world.worker}/${owner}/${encodeURIComponent(door)}?${query}`
  const answer = await fetch(url, { signal: AbortSignal.timeout(MAX_ANSWER_MS) })
  return { status: answer.status, said: await textOf(answer) }
}
