import { describe, expect, test } from 'vitest'
import { InFlightOutput, STEP_US } from '../../../src/quota/late-output/in-flight-output.js'

const SECOND = 1e6

/** Answers one after another, each with its wait for the first token and its pace. */
function learned(answers: readonly (readonly [waitS: number, tokens: number, perSecond: number])[]): InFlightOutput {
  const generation = new InFlightOutput()
  let nowUs = 0
  for (const [waitS, tokens, perSecond] of answers) {
    generation.began(nowUs)
    const endUs = nowUs + (waitS + tokens / perSecond) * SECOND
    generation.advance(endUs, () => {})
    generation.ended(nowUs, endUs, tokens)
    nowUs = endUs + SECOND
  }
  return generation
}

function configured(generation: InFlightOutput, nowUs: number): { tokens: number; atUs: number }[] {
  const all: { tokens: number; atUs: number }[] = []
  generation.advance(nowUs, (tokens, atUs) => all.push({ tokens, atUs }))
  return all
}

const sum = (all: readonly { tokens: number }[]): number => all.reduce((total, { tokens }) => total + tokens, 0)

describe('what answers in flight write', () => {
  test('the pace and the wait for the first token are told apart', () => {
    const generation = learned(Array.from({ length: 20 }, (_, i) => [0.8, 50 + 37 * i, 40] as const))
    expect(generation.tokensPerSecond).toBeCloseTo(40, 6)
    const at = 1000 * SECOND
    configured(generation, at)
    generation.began(at)
    expect(sum(configured(generation, at + 0.8 * SECOND))).toBe(0)
    const wrote = configured(generation, at + 10.8 * SECOND)
    expect(Math.abs(sum(wrote) - 400)).toBeLessThanOrEqual(40 * (STEP_US / SECOND) * 2)
    for (const { atUs } of wrote) expect(atUs).toBeLessThanOrEqual(at + 10.8 * SECOND)
  })

  test('answers of one length tell no wait, and still their mean pace', () => {
    const generation = learned(Array.from({ length: 20 }, () => [0, 200, 50] as const))
    expect(generation.tokensPerSecond).toBeGreaterThanOrEqual(50)
    expect(generation.tokensPerSecond).toBeLessThan(60)
  })

  test('writes together, and no more once all have ended', () => {
    const generation = learned(Array.from({ length: 20 }, (_, i) => [0, 100 + i, 50] as const))
    const at = 1000 * SECOND
    configured(generation, at)
    for (let i = 0; i < 4; i++) generation.began(at)
    expect(sum(configured(generation, at + 2 * SECOND))).toBeGreaterThan(4 * 50 * 1.8)
    for (let i = 0; i < 4; i++) generation.ended(at, at + 2 * SECOND, undefined)
    expect(generation.answers).toBe(0)
    expect(configured(generation, at + 5 * SECOND)).toEqual([])
  })

  test('one that ends before its first token takes nobody else out', () => {
    const generation = new InFlightOutput()
    configured(generation, 0)
    generation.began(0)
    configured(generation, 2 * SECOND)
    generation.began(2 * SECOND)
    generation.ended(2 * SECOND, 2.1 * SECOND, undefined)
    expect(generation.answers).toBe(1)
    expect(sum(configured(generation, 3 * SECOND))).toBeGreaterThan(0)
  })

  test('the end of one that was admitted before any that is followed takes nobody out', () => {
    const generation = new InFlightOutput()
    configured(generation, 0)
    generation.began(SECOND)
    configured(generation, 3 * SECOND)
    generation.ended(0, 3 * SECOND, 150)
    expect(generation.answers).toBe(1)
  })

  test('one whose end nobody tells counts for ten minutes, not for ever', () => {
    const generation = new InFlightOutput()
    configured(generation, 0)
    generation.began(0)
    for (let at = 10; at <= 590; at += 10) configured(generation, at * SECOND)
    expect(sum(configured(generation, 599 * SECOND))).toBeGreaterThan(0)
    configured(generation, 602 * SECOND)
    expect(generation.answers).toBe(0)
    expect(configured(generation, 612 * SECOND)).toEqual([])
  })

  test('an answer that came at once does not make others be taken for millions of tokens', () => {
    const generation = new InFlightOutput()
    generation.began(0)
    generation.ended(0, 0, 500)
    expect(generation.tokensPerSecond).toBeLessThanOrEqual(2000)
  })

  test('a clock that jumps ahead does not make answers be taken for longer than any is', () => {
    const generation = new InFlightOutput()
    generation.began(0)
    generation.ended(0, 100 * 3600 * SECOND, 500)
    for (let i = 0; i < 3; i++) generation.began(100 * 3600 * SECOND)
    expect(generation.fadesInUs(0, SECOND, 0)).toBeLessThan(3600 * SECOND)
  })

  test('a refusal lets it be taken for more, answers for less again, and never for less than it is', () => {
    const generation = learned(Array.from({ length: 20 }, (_, i) => [0, 100 + i, 50] as const))
    const before = generation.tokensPerSecond
    generation.wasRefused()
    expect(generation.tokensPerSecond).toBeGreaterThan(before)
    for (let i = 0; i < 200; i++) {
      generation.began(2000 * SECOND)
      generation.ended(2000 * SECOND, 2002 * SECOND, 100)
    }
    expect(generation.tokensPerSecond).toBeCloseTo(50, 6)
  })

  test('it fades with the answers: later for less, at once where it fits already', () => {
    const generation = new InFlightOutput()
    for (let i = 0; i < 8; i++) generation.began(0)
    const most = generation.within(SECOND)
    expect(generation.fadesInUs(most, SECOND, 0)).toBe(0)
    expect(generation.fadesInUs(most, SECOND, 1)).toBeGreaterThan(0)
    expect(generation.fadesInUs(most / 4, SECOND, 0)).toBeGreaterThan(generation.fadesInUs(most / 2, SECOND, 0))
    expect(generation.fadesInUs(0, SECOND, 0)).toBeLessThan(Infinity)
  })
})
