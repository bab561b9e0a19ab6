import { describe, expect, test, vi } from 'vitest'
import { MAX_TIMER_MS } from '../../src/clock.js'
import type { Never } from '../../src/quota/admission-result.js'
import type { Reservation } from '../../src/quota/reservation.js'
import { ModelGate } from '../../src/quota/model-gate.js'
import { profiles } from '../../src/throttling/profiles.js'
import type { JobList, Waiting } from '../../src/queue/job-list.js'
import type { Lane } from '../../src/queue/lane.js'
import type { Schedulable } from '../../src/queue/lane-step.js'
import { Scheduler } from '../../src/queue/scheduler.js'
import type { Limits } from '../../src/types.js'
import { VirtualClock } from '../support/virtual-clock.js'

interface Job extends Schedulable {
  readonly name: string
}

function job(name: string, priority = 0, tokens = 0, startBy = Infinity): Job {
  const cost = { requests: 1, inputTokens: tokens, outputTokens: 0, thinkingTokens: 0 }
  const place = { inList: undefined as JobList | undefined, before: undefined as Waiting | undefined }
  return { name, priority, tenant: undefined, cost, startBy, ...place, after: undefined }
}

/** Also counts how often a timer is set. */
class CountingClock extends VirtualClock {
  set = 0
  override setTimeout(callback: () => void, delayMs: number): number {
    this.set++
    return super.setTimeout(callback, delayMs)
  }
}

function setup({ maxWaiting = Infinity, onStart = (_job: Job, _reservation: Reservation): void => {} } = {}) {
  const clock = new CountingClock(1000)
  const started: { name: string; at: number; reservation: Reservation }[] = []
  const never: { name: string; limit: string }[] = []
  const late: string[] = []
  const scheduler = new Scheduler<Job>(
    clock,
    { maxWaiting, maxBackfillDelayMs: 0, weightOf: () => 1 },
    {
      onStart(each: Job, reservation) {
        started.push({ name: each.name, at: clock.now() - 1000, reservation })
        onStart(each, reservation)
      },
      onNever: (each: Job, why: Never) => never.push({ name: each.name, limit: why.limit }),
      onLate: (each) => late.push(`${each.name}@${clock.now() - 1000}`),
    },
  )
  const owner = { isPaused: false }
  /** A lane knows how its gate admits; to settle and to hold is for others. */
  const addLane = (limits: Limits): Lane<Job> & { readonly gate: ModelGate } => {
    const options = { limits, profile: profiles['model-studio'], networkJitterMs: 0, idleSince: -Infinity }
    const gate = new ModelGate(options, clock.now())
    return Object.assign(scheduler.addLane(gate, owner), { gate })
  }
  return {
    clock,
    scheduler,
    pause() {
      owner.isPaused = true
      scheduler.paused()
    },
    resume() {
      owner.isPaused = false
      scheduler.resumed()
    },
    never,
    late,
    started,
    addLane,
    starts: () => started.map(({ name, at }) => `${name}@${at}`).join(' '),
  }
}

const gateOf = (lane: Lane<Job>) => lane.gate as ModelGate

describe('the order of starts', () => {
  test('jobs that the gate admits start at once in the order of arrival, and the others when they are due', async () => {
    const { scheduler, clock, addLane, starts } = setup()
    const lane = addLane({ rpm: 2 })
    expect(['a', 'b', 'c', 'd', 'e'].map((name) => scheduler.add(lane, job(name)))).toEqual([
      'started',
      'started',
      'waits',
      'waits',
      'waits',
    ])
    expect(scheduler.waiting).toBe(3)
    await clock.run()
    expect(starts()).toBe('a@0 b@0 c@60000 d@60000 e@120000')
    expect(clock.pending).toBe(0)
  })

  test('a job of a higher priority overtakes waiting jobs, not running ones', async () => {
    const { scheduler, clock, addLane, starts } = setup()
    const lane = addLane({ rpm: 1 })
    for (const [name, priority] of [
      ['a', 0],
      ['b', 0],
      ['low', -1],
      ['high', 2],
      ['c', 0],
    ] as const) {
      scheduler.add(lane, job(name, priority))
    }
    await clock.run()
    expect(starts()).toBe('a@0 high@60000 b@120000 c@180000 low@240000')
  })

  test('a job that fits does not overtake a head that does not fit, if that would delay the head', async () => {
    const { scheduler, clock, addLane, starts } = setup()
    const lane = addLane({ tpm: 100 })
    scheduler.add(lane, job('a', 0, 60))
    await clock.advance(1)
    scheduler.add(lane, job('large', 0, 100))
    expect(scheduler.add(lane, job('small', 0, 1))).toBe('waits')
    await clock.run()
    expect(starts()).toBe('a@0 large@60000 small@120000')
  })

  test('a new head of a higher priority starts at once if it fits', () => {
    const { scheduler, addLane, starts } = setup()
    const lane = addLane({ tpm: 100 })
    scheduler.add(lane, job('a', 0, 60))
    scheduler.add(lane, job('large', 0, 100))
    expect(scheduler.add(lane, job('small', 1, 1))).toBe('started')
    expect(starts()).toBe('a@0 small@0')
  })

  test('jobs of one model do not wait for jobs of another', async () => {
    const { scheduler, clock, addLane, starts } = setup()
    const [slow, quick] = [addLane({ rpm: 1 }), addLane({ rps: 1 })]
    for (const name of ['s1', 's2']) scheduler.add(slow, job(name))
    for (const name of ['q1', 'q2']) scheduler.add(quick, job(name))
    await clock.run()
    expect(starts()).toBe('s1@0 q1@0 q2@1000 s2@60000')
  })

  test('jobs that were put back start first in the order of their return, and jobs that back off enter the queue when due', async () => {
    const { scheduler, clock, addLane, starts } = setup()
    const lane = addLane({ rpm: 1 })
    scheduler.add(lane, job('a'))
    scheduler.add(lane, job('b'))
    scheduler.addFirst(lane, job('back 1'))
    scheduler.addFirst(lane, job('back 2'))
    scheduler.addFirst(lane, job('later 1'), 1000 + 5000)
    scheduler.addFirst(lane, job('later 2'), 1000 + 5000)
    scheduler.addFirst(lane, job('past'), 1000)
    expect(scheduler.waiting).toBe(6)
    expect(scheduler.waitingIn(lane)).toBe(6)
    await clock.run()
    expect(starts()).toBe('a@0 back 1@60000 back 2@120000 past@180000 later 1@240000 later 2@300000 b@360000')
  })

  test('a job that backs off does not hold up the others', async () => {
    const { scheduler, clock, addLane, starts } = setup()
    const lane = addLane({ rps: 5 })
    scheduler.addFirst(lane, job('later'), 1000 + 3000)
    scheduler.add(lane, job('a'))
    await clock.run()
    expect(starts()).toBe('a@0 later@3000')
    expect(clock.pending).toBe(0)
  })
})

describe('the timer', () => {
  test('is a single one, and exists only while jobs wait', async () => {
    const { scheduler, clock, addLane } = setup()
    const lanes = [addLane({ rpm: 1 }), addLane({ rps: 1 })]
    expect(clock.pending).toBe(0)
    for (const lane of lanes) scheduler.add(lane, job('first'))
    expect(clock.pending).toBe(0)
    for (let i = 0; i < 50; i++) scheduler.add(lanes[i % 2]!, job(`${i}`))
    scheduler.addFirst(lanes[0]!, job('later'), 1000 + 300)
    expect(clock.pending).toBe(1)
    for (let ms = 0; scheduler.waiting > 0; ms += 500) {
      await clock.advance(500)
      expect(clock.pending).toBe(scheduler.waiting > 0 ? 1 : 0)
    }
    expect(clock.pending).toBe(0)
  })

  test('is not set again when jobs are added behind a waiting one', () => {
    const { scheduler, clock, addLane } = setup()
    const lane = addLane({ rpm: 1 })
    for (let i = 0; i < 1000; i++) scheduler.add(lane, job(`${i}`))
    expect(clock.set).toBe(1)
  })

  test('one that is lost, as with a request of Cloudflare Workers that has ended, is made up for by the next job', async () => {
    const { scheduler, clock, addLane, starts } = setup()
    const [slow, quick] = [addLane({ rpm: 1 }), addLane({ rps: 5 })]
    const timers = vi.spyOn(clock, 'setTimeout').mockReturnValueOnce(0)
    for (const name of ['s1', 's2', 's3']) scheduler.add(slow, job(name))
    await clock.advance(61_000)
    scheduler.add(quick, job('q1'))
    expect(starts()).toBe('s1@0 q1@61000')
    await clock.advance(1)
    scheduler.add(quick, job('q2'))
    expect(starts()).toBe('s1@0 q1@61000 s2@61001 q2@61001')
    await clock.run()
    expect(starts()).toBe('s1@0 q1@61000 s2@61001 q2@61001 s3@121001')
    expect([timers.mock.calls.length, clock.pending]).toEqual([2, 0])
  })

  test('one that cannot be set is set with the next job', async () => {
    const { scheduler, clock, addLane, starts } = setup()
    const lane = addLane({ rpm: 1 })
    scheduler.add(lane, job('a'))
    vi.spyOn(clock, 'setTimeout').mockImplementationOnce(() => {
      throw new Error('Disallowed operation called within global scope.')
    })
    expect(() => scheduler.add(lane, job('b'))).toThrow('Disallowed')
    scheduler.add(lane, job('c'))
    await clock.run()
    expect(starts()).toBe('a@0 b@60000 c@120000')
  })

  test('starts no job too early if it fires early', async () => {
    const clock = new (class extends VirtualClock {
      override setTimeout(callback: () => void, delayMs: number): number {
        return super.setTimeout(callback, Math.max(0, delayMs - 0.9))
      }
    })(1000)
    const started: number[] = []
    const scheduler = new Scheduler<Job>(
      clock,
      { maxWaiting: Infinity, maxBackfillDelayMs: 0, weightOf: () => 1 },
      {
        onStart: () => started.push(clock.now() - 1000),
        onNever: () => expect.unreachable(),
        onLate: () => expect.unreachable(),
      },
    )
    const gate = new ModelGate(
      { limits: { rps: 1 }, profile: profiles['model-studio'], networkJitterMs: 0, idleSince: -Infinity },
      1000,
    )
    const lane = scheduler.addLane(gate, { isPaused: false })
    for (const name of ['a', 'b', 'c']) scheduler.add(lane, job(name))
    await clock.run()
    expect(started).toHaveLength(3)
    expect(started[1]).toBeGreaterThanOrEqual(1000)
    expect(started[2]! - started[1]!).toBeGreaterThanOrEqual(1000)
  })

  test('starts all jobs that are due if it fires late', async () => {
    const { scheduler, clock, addLane, starts } = setup()
    const lane = addLane({ rps: 3 })
    for (let i = 0; i < 6; i++) scheduler.add(lane, job(`${i}`))
    clock.jump(5000)
    await clock.run()
    expect(starts()).toBe('0@0 1@0 2@0 3@5000 4@5000 5@5000')
  })

  test('is set again if the time is further away than timers reach', async () => {
    const { scheduler, clock, addLane, starts } = setup()
    const lane = addLane({ rpm: 10 })
    const days = 40 * 86_400_000
    scheduler.addFirst(lane, job('later'), 1000 + days)
    await clock.run(50 * 86_400_000)
    expect(starts()).toBe(`later@${days}`)
    expect(clock.set).toBe(2)
  })

  test('is not set while jobs wait for a settlement', () => {
    const { scheduler, clock, addLane, started, starts } = setup()
    const lane = addLane({ concurrency: 1 })
    for (const name of ['a', 'b', 'c']) scheduler.add(lane, job(name))
    expect([starts(), clock.pending]).toEqual(['a@0', 0])
    lane.gate.settle(started[0]!.reservation, undefined, clock.now())
    expect([starts(), clock.pending]).toEqual(['a@0 b@0', 0])
  })
})

describe('removing', () => {
  test('the head lets the next jobs start at once', async () => {
    const { scheduler, clock, addLane, starts } = setup()
    const lane = addLane({ tpm: 100 })
    scheduler.add(lane, job('a', 0, 60))
    const large = job('large', 0, 100)
    scheduler.add(lane, large)
    scheduler.add(lane, job('b', 0, 10))
    scheduler.add(lane, job('c', 0, 10))
    expect(scheduler.remove(lane, large)).toBe(true)
    expect(starts()).toBe('a@0 b@0 c@0')
    expect([scheduler.waiting, clock.pending]).toEqual([0, 0])
    expect(scheduler.remove(lane, large)).toBe(false)
    await clock.run()
  })

  test('the last job leaves no timer', () => {
    const { scheduler, clock, addLane } = setup()
    const lane = addLane({ rpm: 1 })
    const [b, later] = [job('b'), job('later')]
    scheduler.add(lane, job('a'))
    scheduler.add(lane, b)
    scheduler.addFirst(lane, later, 1000 + 10)
    expect(scheduler.remove(lane, b)).toBe(true)
    expect([scheduler.waiting, clock.pending]).toEqual([1, 1])
    expect(scheduler.remove(lane, later)).toBe(true)
    expect([scheduler.waiting, clock.pending]).toEqual([0, 0])
    expect(scheduler.remove(lane, later)).toBe(false)
  })

  test('all jobs of one lane, or of all lanes, returns them in their order', async () => {
    const { scheduler, clock, addLane, starts } = setup()
    const [x, y] = [addLane({ rpm: 1 }), addLane({ rpm: 1 })]
    for (const [model, lane] of Object.entries({ x, y })) {
      for (const [name, priority] of [
        ['1', 0],
        ['2', 0],
        ['3', 1],
      ] as const) {
        scheduler.add(lane, job(model + name, priority))
      }
      scheduler.addFirst(lane, job(`${model} later`), 1000 + 70_000)
    }
    expect(scheduler.takeAll([x]).map(({ name }) => name)).toEqual(['x3', 'x2', 'x later'])
    expect([scheduler.waiting, scheduler.waitingIn(x), scheduler.waitingIn(y), clock.pending]).toEqual([3, 0, 3, 1])
    expect(scheduler.takeAll().map(({ name }) => name)).toEqual(['y3', 'y2', 'y later'])
    expect([scheduler.waiting, clock.pending]).toEqual([0, 0])
    expect(scheduler.takeAll()).toEqual([])
    await clock.run()
    expect(starts()).toBe('x1@0 y1@0')
  })
})

describe('maxWaiting', () => {
  test('counts the jobs of all lanes and those that back off, and never refuses a job that is put back', () => {
    const { scheduler, addLane } = setup({ maxWaiting: 2 })
    const [x, y] = [addLane({ rpm: 1 }), addLane({ rpm: 1 })]
    const add = (lane: Lane<Job>) => scheduler.add(lane, job('j'))
    expect([add(x), add(y), add(x)]).toEqual(['started', 'started', 'waits'])
    scheduler.addFirst(y, job('later'), 1000 + 10)
    expect([add(x), add(y)]).toEqual(['full', 'full'])
    scheduler.addFirst(x, job('back'))
    expect(scheduler.waiting).toBe(3)
  })

  test('of 0 lets jobs start at once, and no job wait', () => {
    const { scheduler, clock, addLane } = setup({ maxWaiting: 0 })
    const lane = addLane({ rpm: 1 })
    expect([scheduler.add(lane, job('a')), scheduler.add(lane, job('b'))]).toEqual(['started', 'full'])
    expect([scheduler.waiting, clock.pending]).toEqual([0, 0])
  })
})

describe('pausing and resuming', () => {
  test('no job starts while paused, and all due jobs start on resuming', async () => {
    const { scheduler, clock, addLane, starts, pause, resume } = setup()
    const lane = addLane({ rpm: 2 })
    pause()
    for (const name of ['a', 'b', 'c']) expect(scheduler.add(lane, job(name))).toBe('waits')
    scheduler.addFirst(lane, job('later'), 1000 + 100)
    await clock.advance(500)
    expect(starts()).toBe('')
    resume()
    expect(starts()).toBe('later@500 a@500')
    await clock.run()
    expect(starts()).toBe('later@500 a@500 b@60500 c@60500')
  })

  test('paused jobs keep the process alive by a timer that starts nothing', async () => {
    const { scheduler, clock, addLane, starts, pause } = setup()
    const lane = addLane({ rpm: 2 })
    const [a, b] = [job('a'), job('b')]
    pause()
    expect(clock.pending).toBe(0)
    scheduler.add(lane, a)
    expect(clock.pending).toBe(1)
    scheduler.add(lane, b)
    await clock.advance(MAX_TIMER_MS + 1)
    expect([clock.pending, starts()]).toEqual([1, ''])
    scheduler.remove(lane, a)
    expect(clock.pending).toBe(1)
    scheduler.remove(lane, b)
    expect(clock.pending).toBe(0)
    scheduler.addFirst(lane, a)
    expect(clock.pending).toBe(1)
    scheduler.takeAll()
    expect(clock.pending).toBe(0)
  })

  test('pausing while a job starts lets no further job start', () => {
    const { scheduler, clock, addLane, starts, pause, resume } = setup({ onStart: () => pause() })
    const lane = addLane({ rpm: 10 })
    pause()
    for (const name of ['a', 'b']) scheduler.add(lane, job(name))
    resume()
    expect(starts()).toBe('a@0')
    resume()
    expect(starts()).toBe('a@0 b@0')
    expect(clock.pending).toBe(0)
  })

  test('a job that is removed while paused leaves no timer after resuming', () => {
    const { scheduler, clock, addLane, pause, resume } = setup()
    const lane = addLane({ rpm: 1 })
    const waits = job('waits')
    scheduler.add(lane, job('runs'))
    scheduler.add(lane, waits)
    pause()
    scheduler.remove(lane, waits)
    resume()
    expect([scheduler.waiting, clock.pending]).toEqual([0, 0])
  })

  test('pausing and resuming twice is the same as once', () => {
    const { scheduler, addLane, starts, pause, resume } = setup()
    const lane = addLane({ rpm: 10 })
    resume()
    pause()
    pause()
    scheduler.add(lane, job('a'))
    resume()
    resume()
    expect(starts()).toBe('a@0')
  })
})

describe('changes of a gate', () => {
  test('higher limits start waiting jobs', async () => {
    const { scheduler, clock, addLane, starts } = setup()
    const lane = addLane({ rpm: 1 })
    for (const name of ['a', 'b', 'c']) scheduler.add(lane, job(name))
    await clock.advance(1000)
    gateOf(lane).setLimits({}, clock.now())
    expect(starts()).toBe('a@0 b@1000 c@1000')
    expect(clock.pending).toBe(0)
  })

  test('lower limits return a job that can never pass any more, and the next job starts', async () => {
    const { scheduler, clock, addLane, starts, never } = setup()
    const lane = addLane({ rpm: 1, tpm: 1000 })
    scheduler.add(lane, job('a'))
    for (const [name, tokens] of [
      ['b', 900],
      ['c', 10],
      ['d', 901],
    ] as const)
      scheduler.add(lane, job(name, 0, tokens))
    gateOf(lane).setLimits({ rpm: 1, tpm: 500 }, clock.now())
    expect(never).toEqual([{ name: 'b', limit: 'tpm' }])
    await clock.run()
    expect(starts()).toBe('a@0 c@60000')
    expect(never).toEqual([
      { name: 'b', limit: 'tpm' },
      { name: 'd', limit: 'tpm' },
    ])
    expect([scheduler.waiting, clock.pending]).toEqual([0, 0])
  })

  test('a hold puts off the start of waiting jobs', async () => {
    const { scheduler, clock, addLane, starts } = setup()
    const lane = addLane({ rps: 1 })
    for (const name of ['a', 'b']) scheduler.add(lane, job(name))
    lane.gate.hold(1000 + 9000, 'none', clock.now())
    await clock.run()
    expect(starts()).toBe('a@0 b@9000')
  })
})

describe('a job that calls the scheduler while it starts', () => {
  test('may add jobs, which come after the waiting ones', async () => {
    const seen: string[] = []
    const { scheduler, clock, addLane, starts, pause, resume } = setup({
      onStart(each) {
        if (each.name.length < 3) seen.push(scheduler.add(lane, job(`${each.name}+`)))
      },
    })
    const lane = addLane({ rpm: 4 })
    pause()
    for (const name of ['a', 'b']) scheduler.add(lane, job(name))
    resume()
    expect(starts()).toBe('a@0 b@0 a+@0 b+@0')
    await clock.run()
    expect(starts()).toBe('a@0 b@0 a+@0 b+@0 a++@60000 b++@60000')
    expect([scheduler.waiting, clock.pending]).toEqual([0, 0])
  })

  test('may add a job even if it started at once itself', () => {
    const { scheduler, addLane, starts } = setup({
      onStart: (each) => each.name === 'a' && void scheduler.add(lane, job('b')),
    })
    const lane = addLane({ rpm: 2 })
    expect(scheduler.add(lane, job('a'))).toBe('started')
    expect(starts()).toBe('a@0 b@0')
  })

  test('may remove the next job', () => {
    const next = job('next')
    const { scheduler, clock, addLane, starts, pause, resume } = setup({
      onStart: (each) => each.name === 'a' && void scheduler.remove(lane, next),
    })
    const lane = addLane({ rpm: 10 })
    pause()
    for (const each of [job('a'), next, job('c')]) scheduler.add(lane, each)
    resume()
    expect(starts()).toBe('a@0 c@0')
    expect([scheduler.waiting, clock.pending]).toEqual([0, 0])
  })

  test('may remove all jobs', () => {
    let taken: readonly Job[] = []
    const { scheduler, clock, addLane, starts, pause, resume } = setup({
      onStart(each) {
        if (each.name === 'a') taken = scheduler.takeAll()
      },
    })
    const lane = addLane({ rpm: 10 })
    pause()
    for (const name of ['a', 'b', 'c']) scheduler.add(lane, job(name))
    resume()
    expect(starts()).toBe('a@0')
    expect(taken.map(({ name }) => name)).toEqual(['b', 'c'])
    expect(clock.pending).toBe(0)
  })

  test('may be put back during a hold, and then starts first after it', async () => {
    let refused = false
    const { scheduler, clock, addLane, starts, pause, resume } = setup({
      onStart(each, reservation) {
        if (refused) return
        refused = true
        lane.gate.hold(clock.now() + 1050, 'none', clock.now())
        lane.gate.settle(reservation, { ...each.cost, requests: 0 }, clock.now())
        scheduler.addFirst(lane, each)
      },
    })
    const lane = addLane({ rpm: 10 })
    pause()
    for (const name of ['a', 'b']) scheduler.add(lane, job(name))
    resume()
    expect(starts()).toBe('a@0')
    await clock.run()
    expect(starts()).toBe('a@0 a@1050 b@1050')
  })

  test('may settle, and the room that this frees is used at once', () => {
    const { scheduler, clock, addLane, starts, pause, resume } = setup({
      onStart: (_, reservation) => void lane.gate.settle(reservation, undefined, clock.now()),
    })
    const lane = addLane({ concurrency: 1 })
    pause()
    for (let i = 0; i < 2000; i++) scheduler.add(lane, job(`${i}`))
    resume()
    expect(scheduler.waiting).toBe(0)
    expect(starts()).toMatch(/^0@0 1@0 .* 1999@0$/)
  })
})
