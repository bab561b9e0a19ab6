import type { Answer } from './answers.js'

/** OpenAI's account of what a request used. */
export interface ReportedUsage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly prompt_tokens_details: { readonly cached_tokens: number }
  readonly completion_tokens_details?: { readonly reasoning_tokens: number }
}

/** What stands in every answer and chunk. */
export interface AnswerHead {
  readonly requestId: string
  readonly model: string
  /** Epoch seconds. */
  readonly created: number
}

/** How an endpoint writes its answers. All but `plain` give the lines of one event of a stream. */
export interface TextFormat {
  plain(answer: Answer, usage: ReportedUsage | undefined): string
  /** Before the first text; empty where there is nothing to say. */
  readonly opening: string
  content(text: string): string
  reasoning(text: string): string
  closing(finishReason: string): string
  usage(usage: ReportedUsage): string
}

export function reportedUsage(inputTokens: number, outputTokens: number, reasoningTokens: number): ReportedUsage {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: 0 },
    ...(reasoningTokens > 0 && { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  }
}

/** Chat completions. The parts of a chunk that do not change are written once. */
export function chatFormat(head: AnswerHead): TextFormat {
  const id = `chatcmpl-${head.requestId}`
  const tail = tailOf('chat.completion.chunk', id, head)
  const choice = (delta: string, finish = 'null'): string =>
    `data: {"choices":[{"delta":${delta},"finish_reason":${finish},"index":0,"logprobs":null}],"usage":null,${tail}\n\n`
  return {
    plain: ({ content, reasoning, finishReason }, usage) => {
      const message = { role: 'assistant', content, ...(reasoning !== '' && { reasoning_content: reasoning }) }
      return JSON.stringify({
        choices: [{ message, finish_reason: finishReason, index: 0, logprobs: null }],
        object: 'chat.completion',
        usage,
        created: head.created,
        system_fingerprint: null,
        model: head.model,
        id,
      })
    },
    opening: choice('{"content":"","role":"assistant"}'),
    content: (text) => choice(`{"content":${JSON.stringify(text)}}`),
    reasoning: (text) => choice(`{"content":null,"reasoning_content":${JSON.stringify(text)}}`),
    closing: (finishReason) => choice('{"content":""}', `"${finishReason}"`),
    usage: (usage) => `data: {"choices":[],"usage":${JSON.stringify(usage)},${tail}\n\n`,
  }
}

/** Text completions, which know no thinking: it is generated and counted, and not shown. */
export function completionFormat(head: AnswerHead): TextFormat {
  const id = `cmpl-${head.requestId}`
  const tail = tailOf('text_completion', id, head)
  const choice = (text: string, finish = 'null'): string =>
    `data: {"choices":[{"text":${text},"finish_reason":${finish},"index":0,"logprobs":null}],"usage":null,${tail}\n\n`
  return {
    plain: ({ content, finishReason }, usage) =>
      JSON.stringify({
        choices: [{ text: content, finish_reason: finishReason, index: 0, logprobs: null }],
        object: 'text_completion',
        usage,
        created: head.created,
        model: head.model,
        id,
      }),
    opening: '',
    content: (text) => choice(JSON.stringify(text)),
    reasoning: () => '',
    closing: (finishReason) => choice('""', `"${finishReason}"`),
    usage: (usage) => `data: {"choices":[],"usage":${JSON.stringify(usage)},${tail}\n\n`,
  }
}

function tailOf(object: string, id: string, head: AnswerHead): string {
  const rest = { object, created: head.created, system_fingerprint: null, model: head.model, id }
  return JSON.stringify(rest).slice(1)
}
