import { describe, expect, test } from 'vitest'
import { createLimiter, isHeadgateError } from '../../src/index.js'
import { hint } from '../../src/transport/hints.js'
import { json } from '../support/fake-fetch.js'
import { LimitedFetch } from '../support/limited-fetch.js'
import { settlePromises } from '../support/virtual-clock.js'
import { setup, type Outcome } from '../dispatch/setup.js'

const used = (tokens: number): Outcome => ({ returns: { usage: { prompt_tokens: tokens, completion_tokens: 0 } } })
const limits = { m: { tpm: 100 } }

describe('tenants', () => {
  test('share a quota by their weights while they wait', async () => {
    const { send, sent, clock } = setup({ limits, tenantWeights: { b: 3 } })
    send({ model: 'm', tokens: 100 }, 'first', [used(100)])
    for (let i = 1; i <= 12; i++) send({ model: 'm', tokens: 25, tenant: 'a' }, 'a', [used(25)])
    for (let i = 1; i <= 12; i++) send({ model: 'm', tokens: 25, tenant: 'b' }, 'b', [used(25)])
    await clock.advance(59_999)
    const inMinute = async () => {
      const before = sent.length
      await clock.advance(60_000)
      return sent
        .slice(before)
        .map(({ name }) => name)
        .join('')
    }
    expect([...(await inMinute())].toSorted().join('')).toBe('abbb')
    expect([...(await inMinute())].toSorted().join('')).toBe('abbb')
  })

  test('are charged with what was used: who takes four times what was reserved gets a fourth of the turns', async () => {
    const { send, sent, clock } = setup({ limits })
    send({ model: 'm', tokens: 100 }, 'first', [used(100)])
    for (let i = 1; i <= 100; i++)
      send({ model: 'm', inputTokens: 10, maxOutputTokens: 0, tenant: 'a' }, 'a', [used(40)])
    for (let i = 1; i <= 100; i++)
      send({ model: 'm', inputTokens: 10, maxOutputTokens: 0, tenant: 'b' }, 'b', [used(10)])
    await clock.advance(3_600_000)
    const half = sent.slice(1, 61).map(({ name }) => name)
    const [a, b] = ['a', 'b'].map((tenant) => half.filter((name) => name === tenant).length)
    expect(b! / a!).toBeGreaterThan(2)
  })

  test('come by a header, which is not sent, or by a hint', async () => {
    const answer = json({ usage: { prompt_tokens: 1, completion_tokens: 1 } })
    const limited = new LimitedFetch([answer], { limits: { 'qwen-plus': { rpm: 2 } }, perSecond: false })
    const call = (name: string, init: RequestInit) =>
      void limited.post({ model: 'qwen-plus', messages: [{ role: 'user', content: name }] }, init)
    const byHeader = { headers: { 'x-headgate-tenant': 'a' } }
    call('first', {})
    call('second', {})
    await settlePromises()
    for (const name of ['a1', 'a2', 'a3']) call(name, byHeader)
    call('b1', hint({ tenant: 'b' }) as RequestInit)
    await limited.clock.run()
    const order = limited.service.sent.map(({ body }) => (body['messages'] as { content: string }[])[0]!.content)
    expect(order.join(' ')).toBe('first second a1 b1 a2 a3')
    expect(limited.service.sent.some(({ headers }) => headers.has('x-headgate-tenant'))).toBe(false)
  })

  test.each([{ tenant: '' }, { tenant: 5 as never }])('a tenant that is no name is refused: %j', async (fields) => {
    const error = await createLimiter()
      .schedule({ model: 'm', ...fields }, () => 1)
      .catch((thrown: unknown) => thrown)
    expect(isHeadgateError(error, 'invalid_request') && error.message).toMatch(/^tenant is /)
  })

  test.each([{ a: 0 }, { a: -1 }, { a: Number.NaN }, { a: Infinity }, { a: '2' as never }, 5 as never, [] as never])(
    'tenantWeights that are none are refused: %j',
    (tenantWeights) => {
      expect(() => createLimiter({ tenantWeights })).toThrow(/^tenantWeights/)
    },
  )
})
