import { describe, expect, it } from 'vitest'
import {
  DeadlineImpossible,
  HeadgateError,
  headgateErrorOf,
  isHeadgateError,
  LimiterClosed,
  QueueFull,
  QuotaExhausted,
  RequestTooLarge,
} from '../src/index.js'
import { refusalResponse } from '../src/transport/refusal-response.js'

/** What `openai`'s errors have of an answer. */
async function asOpenAI(error: Error): Promise<Error> {
  const response = refusalResponse(error)!
  const { error: body } = (await response.json()) as { error: { code: string; message: string } }
  return Object.assign(new Error(`${response.status} ${body.message}`), {
    status: response.status,
    error: body,
    code: body.code,
    headers: response.headers,
  })
}

/** What an `APICallError` of Vercel's AI SDK has of one: the body is a text, and its own schema drops what it does not know. */
async function asAiSdk(error: Error): Promise<Error> {
  const response = refusalResponse(error)!
  return Object.assign(new Error(error.message), {
    statusCode: response.status,
    responseBody: await response.text(),
    data: { error: { message: error.message } },
  })
}

const late = new DeadlineImpossible('late', { predictedWaitMs: 1500 })
const usedUp = new QuotaExhausted('used up', { resetAt: new Date('2026-02-03T00:00:00Z') })

describe('an error of ours', () => {
  it('is recognised by its code, and is itself', () => {
    expect(isHeadgateError(late)).toBe(true)
    expect(isHeadgateError(late, 'deadline_impossible')).toBe(true)
    expect(isHeadgateError(late, 'queue_full')).toBe(false)
    expect(headgateErrorOf(late)).toBe(late)
    expect(headgateErrorOf(late, 'queue_full')).toBeUndefined()
  })

  it('is recognised when it comes from another copy of the package', () => {
    const foreign = Object.assign(new Error('late'), {
      [Symbol.for('headgate.error')]: true,
      code: 'deadline_impossible',
      predictedWaitMs: 5,
    })
    expect(isHeadgateError(foreign, 'deadline_impossible')).toBe(true)
    expect(headgateErrorOf(foreign, 'deadline_impossible')?.predictedWaitMs).toBe(5)
  })
})

describe.each([
  ['openai', asOpenAI],
  ["Vercel's AI SDK", asAiSdk],
])('a refusal that %s made an error of', (_, as) => {
  it('is recognised by its code', async () => {
    const error = await as(new QueueFull('5 wait'))
    expect([isHeadgateError(error), isHeadgateError(error, 'queue_full')]).toEqual([true, true])
    expect(isHeadgateError(error, 'limiter_closed')).toBe(false)
  })

  it('is read with its times, and has the client’s error as its cause', async () => {
    const [first, second] = [await as(late), await as(usedUp)]
    const found = headgateErrorOf(first, 'deadline_impossible')
    expect(found).toBeInstanceOf(DeadlineImpossible)
    expect(found).toMatchObject({ message: 'late', predictedWaitMs: 1500, cause: first })
    expect(headgateErrorOf(second, 'quota_exhausted')?.resetAt).toEqual(usedUp.resetAt)
    expect(headgateErrorOf(second)).toBeInstanceOf(HeadgateError)
  })

  it('has no times where none were known', async () => {
    const error = await as(new DeadlineImpossible('never', { predictedWaitMs: Infinity }))
    expect(headgateErrorOf(error, 'deadline_impossible')).toMatchObject({ predictedWaitMs: undefined })
    expect(headgateErrorOf(await as(new QuotaExhausted('gone')), 'quota_exhausted')?.resetAt).toBeUndefined()
  })
})

it('a client’s connection error after close() is the limiter’s', () => {
  const closed = new LimiterClosed('closed')
  const error = new Error('Connection error.', { cause: closed })
  expect(isHeadgateError(error)).toBe(true)
  expect(isHeadgateError(error, 'limiter_closed')).toBe(true)
  expect(headgateErrorOf(error)).toBe(closed)
  // Another of ours as a cause says why an error of the program's own was thrown.
  expect(isHeadgateError(new Error('no luck', { cause: late }))).toBe(false)
})

describe('what is none of ours', () => {
  const marked = (fields: object) => ({ error: { message: 'm', code: 'queue_full', headgate: {}, ...fields } })
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'queue_full'],
    ['an error', new Error('x')],
    [
      'an error of the service with one of our codes',
      { status: 429, code: 'queue_full', error: { code: 'queue_full' } },
    ],
    ['a code that there is not', marked({ code: 'toString' })],
    ['a code that is no text', marked({ code: ['queue_full'] })],
    ['a mark that is no object', marked({ headgate: true })],
    ['a body that is not JSON', { responseBody: '<html>"headgate"' }],
    ['a body of null', { responseBody: 'null' }],
    ['a body without end', { responseBody: `${' '.repeat(20_000)}${JSON.stringify(marked({}))}` }],
    [
      'an error whose getter throws',
      {
        get cause(): never {
          throw new Error('no cause')
        },
      },
    ],
    ['a proxy that was revoked', revoked()],
  ])('%s', (_, error) => {
    expect(isHeadgateError(error)).toBe(false)
    expect(headgateErrorOf(error)).toBeUndefined()
  })

  it('times that make no sense are left out', () => {
    const late = marked({ code: 'deadline_impossible', headgate: { predicted_wait_ms: '5', reset_at: 'soon' } })
    expect(headgateErrorOf(late, 'deadline_impossible')).toMatchObject({ message: 'm', predictedWaitMs: undefined })
    const gone = marked({ code: 'quota_exhausted', headgate: { predicted_wait_ms: -5, reset_at: 5 } })
    expect(headgateErrorOf(gone, 'quota_exhausted')?.resetAt).toBeUndefined()
  })
})

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

it('isHeadgateError never throws, whatever the getters of an error do', () => {
  const branded = Object.create(new RequestTooLarge('too large'), {
    code: {
      get(): never {
        throw new Error('mine')
      },
    },
  }) as object
  expect(isHeadgateError(branded, 'request_too_large')).toBe(false)
})
