import { describe, expect, test } from 'vitest'
import type { HeadgateEvents, LimiterOptions } from '../../src/index.js'
import { ok, refusal, setup } from './setup.js'

const pair: LimiterOptions = { limits: { a: { rpm: 60 }, b: { rpm: 60 } }, fallback: { a: ['b'] } }

describe('the events of a request', () => {
  test('carry its number, the same over attempts and models, and its tenant', async () => {
    const { clock, send, heard } = setup({ ...pair, maxRetries: 1 })
    send({ model: 'a', tenant: 'web' }, 'first', [refusal('surge'), ok])
    send({ model: 'b' }, 'second')
    await clock.run()
    const first = { requestId: 1, tenant: 'web' }
    const second = { requestId: 2, tenant: undefined }
    const ids = (events: readonly { requestId: number; tenant: string | undefined }[]) =>
      events.map(({ requestId, tenant }) => ({ requestId, tenant }))
    expect(ids(heard.admit)).toEqual([first, second, first])
    expect(ids(heard.throttled)).toEqual([first])
    expect(ids(heard.fallback)).toEqual([first])
    expect(ids(heard.settle)).toEqual([first, second, first])
  })

  test('are those of its grant', async () => {
    const { clock, limiter, send, server, sent, heard } = setup({ limits: { a: { rpm: 60 } } })
    send({ model: 'a' }, 'account')
    void limiter.workspace('w', {}).schedule({ model: 'a' }, server('workspace'))
    send({ model: 'a' }, 'account again')
    await clock.run()
    expect(sent.map(({ grant }) => grant.requestId)).toEqual([1, 2, 3])
    expect(heard.admit.map(({ requestId, workspace }) => [requestId, workspace])).toEqual([
      [1, undefined],
      [2, 'w'],
      [3, undefined],
    ])
  })

  test('tell how long each attempt took', async () => {
    const { clock, send, heard } = setup({ ...pair, maxRetries: 1 })
    send({ model: 'a' }, 'j', [refusal('surge'), ok], 25)
    await clock.run()
    expect(heard.settle.map(({ model, durationMs }) => [model, durationMs])).toEqual([
      ['a', 25],
      ['b', 25],
    ])
  })
})

describe('a fallback says why:', () => {
  type Made = ReturnType<typeof setup>
  type Fallback = HeadgateEvents['fallback']

  test.each<[reason: Fallback['reason'], options: LimiterOptions, act: (made: Made) => void, kind?: Fallback['class']]>(
    [
      ['throttled', pair, ({ send }) => void send({ model: 'a' }, 'j', [refusal('capacity'), ok]), 'capacity'],
      ['exhausted', pair, ({ send }) => void send({ model: 'a' }, 'j', [refusal('billing'), ok])],
      ['retired', { ...pair, limits: { a: { rpm: 0, tpm: 0 }, b: {} } }, ({ send }) => void send({ model: 'a' }, 'j')],
      [
        'too_large',
        { ...pair, limits: { a: { tpm: 9 }, b: {} } },
        ({ send }) => void send({ model: 'a', tokens: 10 }, 'j'),
      ],
      [
        'deadline',
        { ...pair, limits: { a: { rpm: 1 }, b: {} } },
        ({ send }) => {
          send({ model: 'a' }, 'before')
          send({ model: 'a', deadlineMs: 1000 }, 'j')
        },
      ],
      [
        'wait',
        { ...pair, limits: { a: { rpm: 1 }, b: {} }, fallbackAfterWaitMs: 1000 },
        ({ send }) => {
          send({ model: 'a' }, 'before')
          send({ model: 'a', deadlineMs: 300_000 }, 'j')
        },
      ],
      [
        'limits_changed',
        { ...pair, limits: { a: { rpm: 1, tpm: 100 }, b: {} } },
        ({ send, limiter }) => {
          send({ model: 'a' }, 'before')
          send({ model: 'a', tokens: 50 }, 'j')
          limiter.setLimits('a', { tpm: 10 })
        },
      ],
    ],
  )('%s', async (reason, options, act, kind) => {
    const made = setup(options)
    act(made)
    await made.clock.run()
    const told = kind === undefined ? { reason } : { reason, class: kind }
    const { requestId } = made.sent.at(-1)!.grant
    expect(made.heard.fallback).toEqual([{ requestId, tenant: undefined, from: 'a', to: 'b', ...told }])
    expect(made.sends().at(-1)).toMatch(/^j b@/)
  })
})
