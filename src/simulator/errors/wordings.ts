/** What a refusal for the rate is about. */
export type RefusalClass = 'requests' | 'tokens' | 'surge' | 'capacity'

/** What an error says of itself in the OpenAI-compatible form. */
export interface ErrorFields {
  readonly code: string | null
  readonly message: string
  readonly type: string | null
  readonly param: string | null
}

/** One way to say that a request was refused, in the OpenAI-compatible form and in the vendor's own. */
export interface Wording {
  readonly compatible: ErrorFields
  readonly native: { readonly code: string; readonly message: string }
}

const CHINESE = 'For details, see: https://help.aliyun.com/zh/model-studio/error-code'
const ENGLISH = 'For details, see: https://www.alibabacloud.com/help/en/model-studio/error-code'
const REQUESTS = 'You have exceeded your current request limit.'
const TOKENS = 'You exceeded your current quota, please check your plan and billing details.'
const ALLOCATED = 'Allocated quota exceeded, please increase your quota limit.'
const SURGE =
  'Request rate increased too quickly. To ensure system stability, please adjust your client logic to scale requests more smoothly over time.'
const CAPACITY =
  'Too many requests. Batch requests are being throttled due to system capacity limits. Please try again later.'

function wording(code: string, message: string, nativeCode: string, nativeMessage = message, param?: string): Wording {
  return {
    compatible: { message, type: code, param: param ?? null, code },
    native: { code: nativeCode, message: nativeMessage },
  }
}

/** All that were seen, of each class the most usual first. */
const wordings: Readonly<Record<RefusalClass, readonly [Wording, ...Wording[]]>> = {
  requests: [
    wording(
      'limit_requests',
      `${REQUESTS} ${CHINESE}#rate-limit`,
      'Throttling.RateQuota',
      'Requests rate limit exceeded',
    ),
    wording(
      'limit_requests',
      `${REQUESTS} ${ENGLISH}#rate-limit`,
      'Throttling.RateQuota',
      'Requests rate limit exceeded, please try again later.',
    ),
    wording('limit_requests', 'You exceeded your current requests list.', 'LimitRequests'),
    wording('limit_requests', 'You have exceeded your request limit.', 'Throttling.RateQuota'),
    wording('Throttling', 'Requests throttling triggered.', 'Throttling'),
    wording('Throttling', 'Too many requests in route. Please try again later.', 'Throttling'),
  ],
  tokens: [
    {
      // The service writes the fields of this one in another order.
      compatible: {
        code: 'insufficient_quota',
        message: `${TOKENS} ${CHINESE}#token-limit`,
        param: null,
        type: 'insufficient_quota',
      },
      native: { code: 'Throttling.AllocationQuota', message: ALLOCATED },
    },
    wording('insufficient_quota', `${TOKENS} ${ENGLISH}#token-limit`, 'Throttling.AllocationQuota', TOKENS),
    wording('insufficient_quota', TOKENS, 'Throttling.AllocationQuota', `${ALLOCATED} `),
    wording('Throttling.AllocationQuota', ALLOCATED, 'Throttling.AllocationQuota'),
  ],
  surge: [
    wording('limit_burst_rate', SURGE, 'Throttling.BurstRate', SURGE, ''),
    wording('limit_burst_rate', 'Request rate increased too quickly.', 'Throttling.BurstRate', SURGE, ''),
    wording('Throttling.BurstRate', `${SURGE} `, 'Throttling.BurstRate'),
  ],
  capacity: [wording('Throttling.AllocationQuota', CAPACITY, 'Throttling.AllocationQuota')],
}

/** The body of an upstream that is overloaded, as it stands in the message of another. */
export const overloaded: ErrorFields = {
  message: 'The engine is currently overloaded, please try again later',
  type: 'EngineOverloadedError',
  param: null,
  code: 'EngineOverloadedError',
}

/** One of the wordings of a class, from 0; those that there are follow each other round. */
export function wordingOf(refusal: RefusalClass, number = 0): Wording {
  const all = wordings[refusal]
  return all[number % all.length] ?? all[0]
}
