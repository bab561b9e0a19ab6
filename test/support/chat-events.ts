import type { Usage } from '../../src/types.js'

/** Events of a stream of chat completions, as the service writes them. */
function chunk(choices: unknown[], usage: unknown = null): string {
  return event({ choices, usage, object: 'chat.completion.chunk', model: 'qwen-plus', id: 'chatcmpl-1' })
}

export function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

function choice(delta: unknown, finish: string | null = null): string {
  return chunk([{ delta, finish_reason: finish, index: 0 }])
}

export const opening = choice({ role: 'assistant', content: '' })
export const closing = choice({ content: '' }, 'stop')
export const done = 'data: [DONE]\n\n'

export function content(text: string): string {
  return choice({ content: text })
}

export function reasoning(text: string): string {
  return choice({ content: null, reasoning_content: text })
}

export function usageChunk(inputTokens: number, outputTokens: number): string {
  return chunk([], {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  })
}

export const USED: Usage = { inputTokens: 12, outputTokens: 3 }
export const usage = usageChunk(USED.inputTokens, USED.outputTokens)

/** An error inside a stream, after HTTP 200, in the three shapes that were seen. */
export const inStreamErrors = {
  native:
    'id:1\nevent:error\n:HTTP_STATUS/429\ndata:{"request_id":"70acdc21-a546-489a-b5d6-650df970a4ef",' +
    '"code":"Throttling.AllocationQuota","message":"Allocated quota exceeded, please increase your quota limit."}\n\n',
  openai: event({
    error: { code: 'limit_burst_rate', message: 'Request rate increased too quickly.', type: 'limit_burst_rate' },
  }),
  serving: event({
    type: 'error',
    error: {
      type: 'server_error',
      message: '<429> InternalError.Algo: An error occurred in model serving, error message is: [Too many requests.]',
    },
  }),
} as const
