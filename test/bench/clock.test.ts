import { describe, expect, test } from 'vitest'
import { drive, EventTimeline, START_MS, type Timeline } from '../../bench/quota/clock.js'
import { globalTimeline } from '../../bench/quota/globals.js'
import { seeded } from '../../bench/quota/random.js'

const timelines: Readonly<Record<string, () => Timeline>> = {
  'an event timeline': () => new EventTimeline(),
  "a timeline that replaces the process's clocks": () => globalTimeline(seeded(1, 'clock')),
}

describe.each(Object.entries(timelines))('%s', (_, make) => {
  test('fires timers in order, and settles all promises before the next timer', async () => {
    const timeline = make()
    try {
      const seen: string[] = []
      const note = (name: string) => () => seen.push(`${name} ${timeline.now() - START_MS}`)
      timeline.setTimeout(note('late'), 3000)
      timeline.setTimeout(note('first of two'), 20)
      timeline.setTimeout(note('second of two'), 20)
      timeline.clearTimeout(timeline.setTimeout(note('cleared'), 10))
      timeline.setTimeout(() => {
        let chain = Promise.resolve()
        for (let turn = 0; turn < 50; turn++) chain = chain.then(() => {})
        void chain.then(note('after 50 turns'))
      }, 5)
      await drive(timeline, () => false)
      expect(seen).toEqual(['after 50 turns 5', 'first of two 20', 'second of two 20', 'late 3000'])
    } finally {
      timeline.end()
    }
  })

  test('stops when the run is over, even if timers are left', async () => {
    const timeline = make()
    let fired = 0
    const again = () => {
      fired++
      timeline.setTimeout(again, 1)
    }
    try {
      timeline.setTimeout(again, 1)
      await drive(timeline, () => fired === 100)
      expect(fired).toBe(100)
    } finally {
      timeline.end()
    }
  })
})

test('an event timeline fires 5,000 timers in order of time', async () => {
  const timeline = new EventTimeline()
  const random = seeded(3, 'heap')
  const fired: number[] = []
  for (let i = 0; i < 5000; i++) timeline.setTimeout(() => fired.push(timeline.now()), 1000 * random())
  while (timeline.step());
  expect(fired).toHaveLength(5000)
  expect(fired).toEqual(fired.toSorted((a, b) => a - b))
})

test("the process's clocks are replaced during a run, and restored after it", async () => {
  const { setTimeout, Date, performance } = globalThis
  const { random } = Math
  const timeline = globalTimeline(() => 0.25)
  try {
    expect([globalThis.Date.now(), Math.random()]).toEqual([START_MS, 0.25])
    // A wait of less than a millisecond must end, or a client would wait forever.
    let atMs = 0
    globalThis.setTimeout(() => (atMs = timeline.now()), 0.3)
    await drive(timeline, () => false)
    expect(atMs).toBe(START_MS + 1)
  } finally {
    timeline.end()
  }
  expect(globalThis.setTimeout).toBe(setTimeout)
  expect(globalThis.Date).toBe(Date)
  expect(globalThis.performance.now).toBe(performance.now)
  expect(Math.random).toBe(random)
})
