import { textOf } from './answer.js'
import type { Answer, Segment } from './answer.js'
import type { Account, AnswerHead, TextFormat } from './text-format.js'

/** The `usage` object of a chat or text completion. */
export interface ReportedUsage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly prompt_tokens_details: { readonly cached_tokens: number }
  readonly completion_tokens_details?: { readonly reasoning_tokens: number }
}

/** The usage as the service reports it. Thinking tokens are listed only if there are any. */
export function reportedUsage(account: Account): ReportedUsage {
  const { inputTokens, cachedTokens, outputTokens, reasoningTokens } = account
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
    ...(reasoningTokens > 0 && { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  }
}

const DONE = 'data: [DONE]\n\n'

/** The format of chat completions. A chunk's constant parts are serialized once for each request. */
export function chatFormat(head: AnswerHead, choices: number, showsReasoning: boolean): TextFormat {
  const id = `chatcmpl-${head.requestId}`
  const tail = tailOf('chat.completion.chunk', id, head)
  const chunk = (index: number, delta: string, finish = 'null'): string =>
    `data: {"choices":[{"delta":${delta},"finish_reason":${finish},"index":${index},"logprobs":null}],"usage":null,${tail}\n\n`
  return {
    plain: (answers, account) =>
      JSON.stringify({
        choices: answers.map((answer, index) => ({
          message: messageOf(answer, showsReasoning),
          finish_reason: answer.finishReason,
          index,
          logprobs: null,
        })),
        object: 'chat.completion',
        usage: account && reportedUsage(account),
        created: head.created,
        system_fingerprint: null,
        model: head.model,
        id,
      }),
    opening: () => {
      let text = ''
      for (let index = 0; index < choices; index += 1) text += chunk(index, '{"content":"","role":"assistant"}')
      return text
    },
    piece: ({ choice, segment, text, first }) => {
      if (segment.kind === 'content') return chunk(choice, `{"content":${JSON.stringify(text)}}`)
      if (segment.kind === 'tool') return chunk(choice, toolDelta(segment, text, first))
      return showsReasoning ? chunk(choice, `{"content":null,"reasoning_content":${JSON.stringify(text)}}`) : ''
    },
    closing: (choice, { finishReason }) => chunk(choice, '{"content":""}', `"${finishReason}"`),
    ending: (account) => (account === undefined ? DONE : `${usageChunk(account, tail)}${DONE}`),
  }
}

/**
 * The format of text completions. It has no fields for thinking and tool calls. They are generated and counted, but not
 * sent.
 */
export function completionFormat(head: AnswerHead): TextFormat {
  const id = `cmpl-${head.requestId}`
  const tail = tailOf('text_completion', id, head)
  const chunk = (index: number, text: string, finish = 'null'): string =>
    `data: {"choices":[{"text":${text},"finish_reason":${finish},"index":${index},"logprobs":null}],"usage":null,${tail}\n\n`
  const finishOf = ({ finishReason }: Answer): string => (finishReason === 'length' ? 'length' : 'stop')
  return {
    plain: (answers, account) =>
      JSON.stringify({
        choices: answers.map((answer, index) => ({
          text: textOf(answer, 'content'),
          finish_reason: finishOf(answer),
          index,
          logprobs: null,
        })),
        object: 'text_completion',
        usage: account && reportedUsage(account),
        created: head.created,
        model: head.model,
        id,
      }),
    opening: () => '',
    piece: ({ choice, segment, text }) => (segment.kind === 'content' ? chunk(choice, JSON.stringify(text)) : ''),
    closing: (choice, answer) => chunk(choice, '""', `"${finishOf(answer)}"`),
    ending: (account) => (account === undefined ? DONE : `${usageChunk(account, tail)}${DONE}`),
  }
}

function messageOf(answer: Answer, showsReasoning: boolean): unknown {
  const reasoning = showsReasoning ? textOf(answer, 'reasoning') : ''
  const calls = answer.segments.filter(({ kind }) => kind === 'tool')
  return {
    role: 'assistant',
    content: textOf(answer, 'content'),
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls.map(({ call, text }) => toolCall(call, text)) }),
  }
}

function toolCall(call: Segment['call'], text: string): unknown {
  return { id: call?.id, type: 'function', function: { name: call?.name, arguments: text }, index: call?.index }
}

function toolDelta({ call }: Segment, text: string, first: boolean): string {
  const whole = { index: call?.index, id: call?.id, type: 'function', function: { name: call?.name, arguments: text } }
  const rest = { index: call?.index, function: { arguments: text } }
  return JSON.stringify({ content: null, tool_calls: [first ? whole : rest] })
}

function usageChunk(account: Account, tail: string): string {
  return `data: {"choices":[],"usage":${JSON.stringify(reportedUsage(account))},${tail}\n\n`
}

function tailOf(object: string, id: string, head: AnswerHead): string {
  const rest = { object, created: head.created, system_fingerprint: null, model: head.model, id }
  return JSON.stringify(rest).slice(1)
}
