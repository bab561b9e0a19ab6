/** The reason for a 429: too many requests, too many tokens, a surge of requests, or no capacity in the service. */
export type RefusalClass = 'requests' | 'tokens' | 'surge' | 'capacity'

/** The fields of an error in the OpenAI-compatible form. */
export interface ErrorFields {
  readonly code: string | null
  readonly message: string
  readonly type: string | null
  readonly param: string | null
}

/** One wording of a 429, in the OpenAI-compatible form and in Model Studio's own form. */
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

/** All wordings that are documented or that users saw. The first of each class is the most frequent. */
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
      // The service sends the fields of this error in another order.
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

/** The body of an overloaded upstream server. It appears inside the message of another body. */
export const overloaded: ErrorFields = {
  message: 'The engine is currently overloaded, please try again later',
  type: 'EngineOverloadedError',
  param: null,
  code: 'EngineOverloadedError',
}

/** One wording of a class. `number` counts from 0; a number beyond the last begins again at the first. */
export function wordingOf(refusal: RefusalClass, number = 0): Wording {
  const all = wordings[refusal]
  return all[number % all.length] ?? all[0]
}
