import { array, assert, integer, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import { ModelGate } from '../../src/quota/model-gate.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'
import { profileOf } from './traffic.js'

const TPM = 1000
const MINUTE_MS = 60_000

interface Answer {
  readonly at: number
  readonly endsAt: number
  readonly inputTokens: number
  readonly outputTokens: number
}

interface Moment {
  readonly at: number
  readonly tokens: number
}

/** The ways in which a service counts an answer: with the request, as it is written, and at its end. */
const WAYS: Readonly<Record<string, (answer: Answer) => Moment[]>> = {
  admission: ({ at, outputTokens }) => [{ at, tokens: outputTokens }],
  generated: ({ at, endsAt, outputTokens }) =>
    Array.from({ length: outputTokens }, (_, i) => ({ at: at + ((i + 1) * (endsAt - at)) / outputTokens, tokens: 1 })),
  completion: ({ endsAt, outputTokens }) => [{ at: endsAt, tokens: outputTokens }],
}

const jobs = array(
  record({
    inputTokens: integer({ min: 1, max: 300 }),
    outputTokens: integer({ min: 1, max: 300 }),
    spare: integer({ min: 0, max: 100 }),
    durationMs: integer({ min: 1, max: 50_000 }),
    pauseMs: integer({ min: 0, max: 20_000 }),
  }),
  { minLength: 5, maxLength: 40 },
)

test('where reservations suffice a sliding minute is never exceeded, whenever the service counts the output', () => {
  assert(
    property(jobs, (wanted) => {
      const gate = new ModelGate(
        {
          limits: { tpm: TPM },
          profile: { ...profileOf('sliding'), outputAccounting: 'completion' },
          networkJitterMs: 0,
          idleSince: -MINUTE_MS,
        },
        0,
      )
      const answers: Answer[] = []
      const open: { readonly endsAt: number; end(): void }[] = []
      let now = 0
      const endUntil = (until: number): void => {
        open.sort((a, b) => a.endsAt - b.endsAt)
        while (open.length > 0 && open[0]!.endsAt <= until) open.shift()!.end()
      }
      for (const { inputTokens, outputTokens, spare, durationMs, pauseMs } of wanted) {
        now += pauseMs
        endUntil(now)
        const cost = { requests: 1, inputTokens, outputTokens: outputTokens + spare, thinkingTokens: 0 }
        for (;;) {
          const admission = gate.admit(cost, now)
          if (admission.kind === undefined) {
            const endsAt = now + durationMs
            answers.push({ at: now, endsAt, inputTokens, outputTokens })
            open.push({
              endsAt,
              end: () => void gate.settle(admission, { ...cost, outputTokens }, endsAt),
            })
            break
          }
          if (admission.kind !== 'not-before') throw new Error(admission.kind)
          now = Math.min(admission.at, open[0]?.endsAt ?? Infinity)
          endUntil(now)
        }
        for (const [way, moments] of Object.entries(WAYS)) {
          const counted = answers
            .flatMap((answer) => [{ at: answer.at, tokens: answer.inputTokens }, ...moments(answer)])
            .filter(({ at }) => at > now - MINUTE_MS && at <= now)
          expect(
            counted.reduce((sum, { tokens }) => sum + tokens, 0),
            way,
          ).toBeLessThanOrEqual(TPM)
        }
      }
    }),
    runs(cases(80, 300)),
  )
})
