export type RefusalClass = 'requests' | 'tokens' | 'surge'

/** A 429 as clients receive it. */
export interface Refusal {
  readonly status: 429
  readonly headers: Headers
  readonly error: { readonly code: string; readonly type: string; readonly message: string; readonly param: null }
}

const WORDS: Readonly<Record<RefusalClass, { readonly code: string; readonly message: string }>> = {
  requests: {
    code: 'limit_requests',
    message:
      'You have exceeded your current request limit. For details, see: https://help.aliyun.com/zh/model-studio/error-code#rate-limit',
  },
  tokens: {
    code: 'insufficient_quota',
    message:
      'You exceeded your current quota, please check your plan and billing details. For details, see: https://help.aliyun.com/zh/model-studio/error-code#token-limit',
  },
  surge: {
    code: 'limit_burst_rate',
    message:
      'Request rate increased too quickly. To ensure system stability, please adjust your client logic to scale requests more smoothly over time.',
  },
}

/** A 429 with the codes and messages of Model Studio, copied from its responses. */
export function refusalOf(kind: RefusalClass, headers: Headers): Refusal {
  const { code, message } = WORDS[kind]
  return { status: 429, headers, error: { code, type: code, message, param: null } }
}

export function isRefusal(error: unknown): error is Refusal {
  return typeof error === 'object' && error !== null && (error as { status?: unknown }).status === 429
}
