import { describe, expect, test } from 'vitest'
import { InFlightOutput, STEP_US } from '../../../src/quota/late-output/in-flight-output.js'

const SECOND = 1e6

/** Answers one after another, each with its wait for the first token and its pace. */
function learned(answers: readonly (readonly [waitS: number, tokens: number, perSecond: number])[]): InFlightOutput {
  const inFlight = new InFlightOutput()
  let nowUs = 0
  for (const [waitS, tokens, perSecond] of answers) {
    inFlight.began(nowUs)
    const endUs = nowUs + (waitS + tokens / perSecond) * SECOND
    inFlight.advance(endUs, () => {})
    inFlight.ended(nowUs, endUs, tokens)
    nowUs = endUs + SECOND
  }
  return inFlight
}

function generatedUntil(inFlight: InFlightOutput, nowUs: number): { tokens: number; atUs: number }[] {
  const all: { tokens: number; atUs: number }[] = []
  inFlight.advance(nowUs, (tokens, atUs) => all.push({ tokens, atUs }))
  return all
}

const sum = (all: readonly { tokens: number }[]): number => all.reduce((total, { tokens }) => total + tokens, 0)

describe('what answers in flight write', () => {
  test('the pace and the wait for the first token are told apart', () => {
    const inFlight = learned(Array.from({ length: 20 }, (_, i) => [0.8, 50 + 37 * i, 40] as const))
    expect(inFlight.tokensPerSecond).toBeCloseTo(40, 6)
    const at = 1000 * SECOND
    generatedUntil(inFlight, at)
    inFlight.began(at)
    expect(sum(generatedUntil(inFlight, at + 0.8 * SECOND))).toBe(0)
    const wrote = generatedUntil(inFlight, at + 10.8 * SECOND)
    expect(Math.abs(sum(wrote) - 400)).toBeLessThanOrEqual(40 * (STEP_US / SECOND) * 2)
    for (const { atUs } of wrote) expect(atUs).toBeLessThanOrEqual(at + 10.8 * SECOND)
  })

  test('answers of one length tell no wait, and still their mean pace', () => {
    const inFlight = learned(Array.from({ length: 20 }, () => [0, 200, 50] as const))
    expect(inFlight.tokensPerSecond).toBeGreaterThanOrEqual(50)
    expect(inFlight.tokensPerSecond).toBeLessThan(60)
  })

  test('writes together, and no more once all have ended', () => {
    const inFlight = learned(Array.from({ length: 20 }, (_, i) => [0, 100 + i, 50] as const))
    const at = 1000 * SECOND
    generatedUntil(inFlight, at)
    for (let i = 0; i < 4; i++) inFlight.began(at)
    expect(sum(generatedUntil(inFlight, at + 2 * SECOND))).toBeGreaterThan(4 * 50 * 1.8)
    for (let i = 0; i < 4; i++) inFlight.ended(at, at + 2 * SECOND, undefined)
    expect(inFlight.answers).toBe(0)
    expect(generatedUntil(inFlight, at + 5 * SECOND)).toEqual([])
  })

  test('one that ends before its first token takes nobody else out', () => {
    const inFlight = new InFlightOutput()
    generatedUntil(inFlight, 0)
    inFlight.began(0)
    generatedUntil(inFlight, 2 * SECOND)
    inFlight.began(2 * SECOND)
    inFlight.ended(2 * SECOND, 2.1 * SECOND, undefined)
    expect(inFlight.answers).toBe(1)
    expect(sum(generatedUntil(inFlight, 3 * SECOND))).toBeGreaterThan(0)
  })

  test('the end of one that was admitted before any that is followed takes nobody out', () => {
    const inFlight = new InFlightOutput()
    generatedUntil(inFlight, 0)
    inFlight.began(SECOND)
    generatedUntil(inFlight, 3 * SECOND)
    inFlight.ended(0, 3 * SECOND, 150)
    expect(inFlight.answers).toBe(1)
  })

  test('one whose end nobody tells counts for ten minutes, not for ever', () => {
    const inFlight = new InFlightOutput()
    generatedUntil(inFlight, 0)
    inFlight.began(0)
    for (let at = 10; at <= 590; at += 10) generatedUntil(inFlight, at * SECOND)
    expect(sum(generatedUntil(inFlight, 599 * SECOND))).toBeGreaterThan(0)
    generatedUntil(inFlight, 602 * SECOND)
    expect(inFlight.answers).toBe(0)
    expect(generatedUntil(inFlight, 612 * SECOND)).toEqual([])
  })

  test('an answer that came at once does not make others be taken for millions of tokens', () => {
    const inFlight = new InFlightOutput()
    inFlight.began(0)
    inFlight.ended(0, 0, 500)
    expect(inFlight.tokensPerSecond).toBeLessThanOrEqual(2000)
  })

  test('a clock that jumps ahead does not make answers be taken for longer than any is', () => {
    const inFlight = new InFlightOutput()
    inFlight.began(0)
    inFlight.ended(0, 100 * 3600 * SECOND, 500)
    for (let i = 0; i < 3; i++) inFlight.began(100 * 3600 * SECOND)
    expect(inFlight.fadesInUs(0, SECOND, 0)).toBeLessThan(3600 * SECOND)
  })

  test('a refusal lets it be taken for more, answers for less again, and never for less than it is', () => {
    const inFlight = learned(Array.from({ length: 20 }, (_, i) => [0, 100 + i, 50] as const))
    const before = inFlight.tokensPerSecond
    inFlight.wasRefused()
    expect(inFlight.tokensPerSecond).toBeGreaterThan(before)
    for (let i = 0; i < 200; i++) {
      inFlight.began(2000 * SECOND)
      inFlight.ended(2000 * SECOND, 2002 * SECOND, 100)
    }
    expect(inFlight.tokensPerSecond).toBeCloseTo(50, 6)
  })

  test('it fades with the answers: later for less, at once where it fits already', () => {
    const inFlight = new InFlightOutput()
    for (let i = 0; i < 8; i++) inFlight.began(0)
    const most = inFlight.within(SECOND)
    expect(inFlight.fadesInUs(most, SECOND, 0)).toBe(0)
    expect(inFlight.fadesInUs(most, SECOND, 1)).toBeGreaterThan(0)
    expect(inFlight.fadesInUs(most / 4, SECOND, 0)).toBeGreaterThan(inFlight.fadesInUs(most / 2, SECOND, 0))
    expect(inFlight.fadesInUs(0, SECOND, 0)).toBeLessThan(Infinity)
  })
})
