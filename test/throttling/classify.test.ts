import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { classify, type ErrorResponse, type Verdict } from '../../src/throttling/classify.js'
import { profiles } from '../../src/throttling/profiles.js'
import { BODIES } from './bodies.js'

const modelStudio = profiles['model-studio']

function verdictOf(status: number | undefined, body: unknown, headers?: Record<string, string>): Verdict {
  const answer: ErrorResponse = { status, headers: headers && new Headers(headers), body }
  return classify(answer, modelStudio)
}

/** The class of a limit, else the kind of the verdict. */
function classOf(verdict: Verdict): string {
  return 'class' in verdict ? verdict.class : verdict.kind
}

/** A code and a message in the shapes in which they come. */
function shapesOf(code: string, message: string): [shape: string, body: unknown][] {
  const error = { message, type: code, param: null, code }
  return [
    ['compatible', JSON.stringify({ error, request_id: 'r' })],
    ['compatible, parsed', { error }],
    ['the inner object alone', error],
    ['compatible, encoded twice', JSON.stringify({ error: JSON.stringify(error) })],
    ['native', JSON.stringify({ code, message, request_id: 'r' })],
    ['type alone', JSON.stringify({ error: { message, type: code } })],
  ]
}

const SUFFIXES: readonly string[] = [
  '',
  '   ',
  ' \n',
  ' For details, see: https://help.aliyun.com/zh/model-studio/error-code',
  ' For details, see: https://www.alibabacloud.com/help/en/model-studio/error-code#error-code',
  ' 更多信息请参考: https://help.aliyun.com/zh/model-studio/error-code',
  ' (request id: 0ccefad2-48ea-9964-9872)',
]

describe('the table of throttling errors', () => {
  const ROWS: readonly (readonly [status: number, code: string, messages: readonly string[], expected: string])[] = [
    [
      429,
      'Throttling',
      ['Requests throttling triggered.', 'Too many requests in route. Please try again later.'],
      'requests',
    ],
    ...['Throttling.RateQuota', 'LimitRequests', 'limit_requests'].map(
      (code) =>
        [
          429,
          code,
          [
            'You have exceeded your request limit.',
            'Requests rate limit exceeded, please try again later.',
            'You exceeded your current requests list.',
          ],
          'requests',
        ] as const,
    ),
    ...['Throttling.AllocationQuota', 'insufficient_quota'].map(
      (code) =>
        [
          429,
          code,
          [
            'Allocated quota exceeded, please increase your quota limit.',
            'You exceeded your current quota, please check your plan and billing details.',
          ],
          'tokens',
        ] as const,
    ),
    ...['Throttling.BurstRate', 'limit_burst_rate'].map(
      (code) =>
        [
          429,
          code,
          [
            'Request rate increased too quickly. To ensure system stability, please adjust your client logic to scale requests more smoothly over time.',
          ],
          'surge',
        ] as const,
    ),
    [
      429,
      'Throttling.AllocationQuota',
      ['Too many requests. Batch requests are being throttled due to system capacity limits. Please try again later.'],
      'capacity',
    ],
    [
      429,
      'Throttling.AllocationQuota',
      ['Free allocated quota exceeded.', 'Maximum voice-clone voice limit exceeded.'],
      'exhausted',
    ],
    [429, 'CommodityNotPurchased', ['Commodity has not purchased yet.'], 'billing'],
    [429, 'PrepaidBillOverdue', ['The prepaid bill is overdue.'], 'billing'],
    [429, 'PostpaidBillOverdue', ['The postpaid bill is overdue.'], 'billing'],
    ...['BudgetLimitExceeded', 'QuotaExhausted'].map(
      (code) =>
        [
          429,
          code,
          ['Your token-plan 1-week quota has been exhausted. The quota will reset at 09-19 07:14:00 UTC.'],
          'exhausted',
        ] as const,
    ),
    [403, 'AllocationQuota.FreeTierOnly', ['The free tier of the model has been exhausted. If you wish'], 'exhausted'],
    [400, 'AllocationQuota.FreeTierOnly', ['The free tier of the model has been exhausted. If you wish'], 'exhausted'],
    [403, 'insufficient_quota', ['You exceeded your current quota, please check your plan.'], 'exhausted'],
    [400, 'Arrearage', ['Access denied, please make sure your account is in good standing.'], 'billing'],
    ...[500, 503].map(
      (status) =>
        [
          status,
          'ModelServingError',
          [
            'Too many requests. Your requests are being throttled due to system capacity limits. Please try again later.',
          ],
          'capacity',
        ] as const,
    ),
    [503, 'ModelUnavailable', ['Model is unavailable, please try again later.'], 'transient'],
    [500, 'RequestTimeOut', ['Request timed out, please try again later.'], 'transient'],
    [500, 'InternalError.Algo', ['An internal error occured during execution, please try again later.'], 'transient'],
    [500, 'InternalError.Timeout', ['An internal timeout error has occured during execution.'], 'transient'],
    [413, 'RequestEntityTooLarge', ['The request body is too large.'], 'final'],
  ]

  const cases = ROWS.flatMap(([status, code, messages, expected]) =>
    messages.flatMap((message) =>
      shapesOf(code, message).map(([shape, body]) => ({ status, code, message, shape, body, expected })),
    ),
  )

  test.each(cases)('$status $code, "$message", $shape: $expected', ({ status, body, expected }) => {
    expect(classOf(verdictOf(status, body))).toBe(expected)
  })

  test.each(ROWS)('%s %s keeps its class whatever follows its words', (status, code, messages, expected) => {
    for (const message of messages) {
      for (const suffix of SUFFIXES) {
        for (const [shape, body] of shapesOf(code, message + suffix)) {
          expect(classOf(verdictOf(status, body)), `${shape}: ${message}${suffix}`).toBe(expected)
        }
      }
    }
  })

  test('class, code and message travel with the verdict', () => {
    expect(verdictOf(429, BODIES[3])).toEqual({
      kind: 'throttled',
      class: 'surge',
      code: 'limit_burst_rate',
      message: expect.stringMatching(/^Request rate increased too quickly\./),
      retryAfterMs: undefined,
    })
  })
})

describe('the bodies as seen', () => {
  test.each<[keyof typeof BODIES, number | undefined, string]>([
    [1, 429, 'requests'],
    [2, 429, 'tokens'],
    [3, 429, 'surge'],
    [4, 429, 'requests'],
    [5, 429, 'requests'],
    // The upstream's own words are the more exact ones.
    [6, 429, 'capacity'],
    ['7a', 429, 'tokens'],
    ['7a', undefined, 'tokens'],
    ['7b', undefined, 'surge'],
    ['7c', undefined, 'requests'],
    [8, 403, 'exhausted'],
    [9, 400, 'billing'],
    [10, 401, 'final'],
    ['10 flat', 401, 'final'],
    ['10 flat', undefined, 'final'],
    [11, 429, 'requests'],
  ])('body %s with status %s: %s', (name, status, expected) => {
    expect(classOf(verdictOf(status, BODIES[name]))).toBe(expected)
    if (BODIES[name] !== '') expect(classOf(verdictOf(status, JSON.parse(BODIES[name])))).toBe(expected)
  })

  test.each([undefined, null, '', '   ', '{}', '[]', 'null', {}, [], 0])('429 with the body %j: requests', (body) => {
    expect(classOf(verdictOf(429, body))).toBe('requests')
  })
})

describe('insufficient_quota', () => {
  const openaiBody = JSON.stringify({
    error: {
      message:
        'You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.',
      type: 'insufficient_quota',
      param: null,
      code: 'insufficient_quota',
    },
  })

  test('with 429 is the minute’s tokens at Model Studio and an unpaid bill at OpenAI', () => {
    const answer = { status: 429, headers: undefined, body: openaiBody }
    expect(classOf(classify(answer, modelStudio))).toBe('tokens')
    expect(classOf(classify(answer, profiles.openai))).toBe('billing')
    expect(classOf(classify(answer, profiles.azure))).toBe('billing')
  })

  test('with the anchor of Model Studio’s own page is tokens under any profile', () => {
    const answer = { status: 429, headers: undefined, body: BODIES[2] }
    for (const profile of Object.values(profiles)) expect(classOf(classify(answer, profile))).toBe('tokens')
  })

  test('with 403 is fatal under any profile', () => {
    const answer = { status: 403, headers: undefined, body: openaiBody }
    for (const profile of Object.values(profiles)) expect(classOf(classify(answer, profile))).toBe('exhausted')
  })

  test('inside a stream, without a status, reads as with 429', () => {
    expect(classOf(verdictOf(undefined, openaiBody))).toBe('tokens')
  })
})

describe('anchors decide where the code does not', () => {
  test.each([
    ['#token-limit', 'tokens'],
    ['#rate-limit', 'requests'],
    ['#overdue-payment', 'billing'],
  ])('%s: %s', (anchor, expected) => {
    for (const page of ['https://help.aliyun.com/zh/model-studio/error-code', 'https://www.alibabacloud.com/help/x']) {
      for (const suffix of ['', '.', '  ', '）']) {
        const message = `Something new. For details, see: ${page}${anchor}${suffix}`
        expect(classOf(verdictOf(429, { error: { code: 'Throttling.New', message } }))).toBe(expected)
      }
    }
  })
})

describe('other services', () => {
  test.each([
    [
      'requests',
      'Rate limit reached for gpt-4o in organization org-x on requests per min (RPM): Limit 500, Used 500, Requested 1.',
    ],
    [
      'tokens',
      'Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000.',
    ],
    [
      'tokens',
      'Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-02-01 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 6 seconds. Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit.',
    ],
    [
      'requests',
      'Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-02-01 have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 6 seconds. Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit.',
    ],
  ])('%s: %s', (expected, message) => {
    const body = { error: { code: 'rate_limit_exceeded', message } }
    expect(classOf(classify({ status: 429, headers: undefined, body }, profiles.openai))).toBe(expected)
  })

  test('what remains tells where no word does', () => {
    const body = { error: { message: 'Slow down.' } }
    const remaining = (requests: string, tokens: string) => ({
      'x-ratelimit-remaining-requests': requests,
      'x-ratelimit-remaining-tokens': tokens,
    })
    expect(classOf(verdictOf(429, body, remaining('12', '0')))).toBe('tokens')
    expect(classOf(verdictOf(429, body, remaining('0', '4000')))).toBe('requests')
    expect(classOf(verdictOf(429, body, remaining('0', '0')))).toBe('requests')
    expect(classOf(verdictOf(429, body, remaining('many', 'none')))).toBe('requests')
  })
})

describe('other statuses', () => {
  test.each([400, 401, 403, 404, 405, 413, 415, 422])('%s is the caller’s business', (status) => {
    const body = { error: { code: 'InvalidParameter', message: 'No.' } }
    expect(verdictOf(status, body)).toEqual({ kind: 'final' })
    expect(verdictOf(status, '')).toEqual({ kind: 'final' })
  })

  test('402 is a bill, whatever its body', () => {
    expect(classOf(verdictOf(402, { error: { message: 'Insufficient Balance' } }))).toBe('billing')
    expect(classOf(verdictOf(402, ''))).toBe('billing')
  })

  test('a 400 or 403 that only speaks of a quota is no exhausted one', () => {
    const body = { error: { code: 'InvalidParameter', message: 'The quota must be positive.' } }
    expect(verdictOf(400, body)).toEqual({ kind: 'final' })
    expect(verdictOf(403, body)).toEqual({ kind: 'final' })
  })

  test.each([408, 409, 500, 502, 503, 504, 520, 529])('%s may go better later', (status) => {
    expect(verdictOf(status, '')).toEqual({ kind: 'transient', retryAfterMs: undefined })
  })

  test('5xx that speak of load are capacity', () => {
    expect(classOf(verdictOf(503, { error: { code: 'overloaded_error', message: 'Overloaded' } }))).toBe('capacity')
    expect(classOf(verdictOf(500, BODIES[6]))).toBe('capacity')
    expect(classOf(verdictOf(503, 'upstream: Too Many Requests'))).toBe('capacity')
  })

  test('200 with an error thrown beside it is the caller’s business', () => {
    expect(verdictOf(200, '')).toEqual({ kind: 'final' })
  })

  test('bodies that are no JSON are taken as words', () => {
    const html = '<!DOCTYPE html><html><head><title>429 Too Many Requests</title></head><body>nginx</body></html>'
    expect(classOf(verdictOf(429, html))).toBe('requests')
    expect(verdictOf(502, '<html><body><h1>502 Bad Gateway</h1></body></html>')).toEqual({
      kind: 'transient',
      retryAfterMs: undefined,
    })
    expect(classOf(verdictOf(429, 'Allocated quota exceeded'))).toBe('tokens')
    expect(classOf(verdictOf(429, '{"error": {"message": "cut of'))).toBe('requests')
    expect(verdictOf(404, '<html>')).toEqual({ kind: 'final' })
  })
})

describe('inside a stream, where no status tells', () => {
  test.each([
    ['Throttling', 'requests'],
    ['Throttling.RateQuota', 'requests'],
    ['limit_requests', 'requests'],
    ['rate_limit_exceeded', 'requests'],
    ['limit_burst_rate', 'surge'],
    ['Throttling.AllocationQuota', 'tokens'],
    ['insufficient_quota', 'tokens'],
    ['CommodityNotPurchased', 'billing'],
    ['PrepaidBillOverdue', 'billing'],
    ['PostpaidBillOverdue', 'billing'],
    ['Arrearage', 'billing'],
    ['AllocationQuota.FreeTierOnly', 'exhausted'],
    ['BudgetLimitExceeded', 'exhausted'],
    ['QuotaExhausted', 'exhausted'],
    ['InvalidParameter', 'final'],
    ['invalid_request_error', 'final'],
    ['InvalidApiKey', 'final'],
    ['DataInspectionFailed', 'final'],
    ['data_inspection_failed', 'final'],
    ['ModelNotFound', 'final'],
    ['model_not_found', 'final'],
    ['AccessDenied', 'final'],
    ['InternalError.Algo', 'transient'],
    ['server_error', 'transient'],
    ['', 'transient'],
  ])('the code %j: %s', (code, expected) => {
    expect(classOf(verdictOf(undefined, { code, message: 'x' }))).toBe(expected)
    expect(classOf(verdictOf(undefined, { error: { code, message: 'x' } }))).toBe(expected)
  })

  test('the status that a message names comes before the code', () => {
    expect(classOf(verdictOf(undefined, { error: { code: 'server_error', message: '<400> bad input' } }))).toBe('final')
    expect(classOf(verdictOf(undefined, { error: { code: 'x', message: '<503> InternalError: down' } }))).toBe(
      'transient',
    )
  })
})

describe('when the server says to come back', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 2, 1, 12, 0, 0) })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const retryAfterMs = (headers: Record<string, string>, body: unknown = BODIES[1], status = 429) => {
    const verdict = verdictOf(status, body, headers)
    return 'retryAfterMs' in verdict ? verdict.retryAfterMs : verdict.kind
  }

  test.each([
    [{}, undefined],
    [{ 'retry-after': '7' }, 7000],
    [{ 'Retry-After': '0.5' }, 500],
    [{ 'retry-after': '0' }, undefined],
    [{ 'retry-after': 'Sun, 01 Mar 2026 12:00:30 GMT' }, 30_000],
    [{ 'retry-after': '2026-03-01T12:01:00Z' }, 60_000],
    [{ 'retry-after': 'Sun, 01 Mar 2026 11:00:00 GMT' }, undefined],
    [{ 'retry-after-ms': '250', 'retry-after': '7' }, 250],
    [{ 'retry-after-ms': 'soon', 'retry-after': '7' }, 7000],
    [{ 'retry-after-ms': '-1', 'retry-after': '7' }, 7000],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after-ms': '0', 'retry-after': '30' }, 30_000],
  ])('%j: %s ms', (headers, expected) => {
    expect(retryAfterMs(headers)).toBe(expected)
  })

  // A hold without end, or none at all, would follow from these.
  test.each(['-1', '-0.5', 'Infinity', '1e999', 'NaN', 'in 5', 'try 1'])(
    'what is no time is no word of the server’s: Retry-After: %s',
    (value) => {
      expect(retryAfterMs({ 'retry-after': value })).toBeUndefined()
      expect(retryAfterMs({ 'retry-after-ms': value })).toBeUndefined()
      expect(retryAfterMs({ 'retry-after': value }, '', 503)).toBeUndefined()
    },
  )

  test('5xx too', () => {
    expect(retryAfterMs({ 'retry-after': '3' }, '', 503)).toBe(3000)
    expect(
      retryAfterMs(
        { 'retry-after-ms': '10' },
        { error: { code: 'ModelServingError', message: 'capacity limits' } },
        503,
      ),
    ).toBe(10)
  })

  test.each([
    ['1s', 1000],
    ['6m0s', 360_000],
    ['120ms', 120],
    ['1m2.5s', 62_500],
    ['1h0m0s', 3_600_000],
    ['17', 17_000],
    ['', undefined],
    ['later', undefined],
    ['2026-03-01T12:01:00Z', undefined],
  ])('x-ratelimit-reset-requests: %s, where nothing remains', (reset, expected) => {
    const headers = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': reset }
    expect(retryAfterMs(headers)).toBe(expected)
    expect(retryAfterMs({ ...headers, 'retry-after': '9' })).toBe(9000)
  })

  test('the reset of the other limit, or of one with something left, says nothing', () => {
    const tokens = { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '5s' }
    expect(retryAfterMs(tokens)).toBeUndefined()
    expect(retryAfterMs(tokens, BODIES[2])).toBe(5000)
    expect(retryAfterMs({ ...tokens, 'x-ratelimit-remaining-tokens': '10' }, BODIES[2])).toBeUndefined()
    expect(retryAfterMs({ 'x-ratelimit-reset-tokens': '5s' }, BODIES[2])).toBeUndefined()
    expect(retryAfterMs(tokens, BODIES[3])).toBeUndefined()
  })

  test('x-should-retry is the server’s word: false ends it, true makes a refusal worth another try', () => {
    expect(verdictOf(429, BODIES[1], { 'x-should-retry': 'false' })).toEqual({ kind: 'final' })
    expect(verdictOf(503, '', { 'x-should-retry': 'false' })).toEqual({ kind: 'final' })
    expect(verdictOf(400, '', { 'x-should-retry': 'true' })).toEqual({ kind: 'transient', retryAfterMs: undefined })
    expect(classOf(verdictOf(429, BODIES[1], { 'x-should-retry': 'true' }))).toBe('requests')
  })

  test('and cannot make a bill paid', () => {
    expect(classOf(verdictOf(400, BODIES[9], { 'x-should-retry': 'true' }))).toBe('billing')
    expect(classOf(verdictOf(403, BODIES[8], { 'x-should-retry': 'true' }))).toBe('exhausted')
  })
})

describe('the reset that a message names', () => {
  test.each([
    ['The quota will reset at 09-19 07:14:00 UTC.', '09-19 07:14:00 UTC'],
    ['The quota will reset at 2026-09-19 07:14:00.', '2026-09-19 07:14:00'],
    ['It will RESET AT 09-19 07:14 UTC, thank you', '09-19 07:14 UTC'],
    ['The quota will reset at midnight.', undefined],
    ['Nothing.', undefined],
  ])('%s', (message, resetText) => {
    expect(verdictOf(429, { error: { code: 'QuotaExhausted', message } })).toMatchObject({
      kind: 'exhausted',
      resetText,
    })
  })
})
