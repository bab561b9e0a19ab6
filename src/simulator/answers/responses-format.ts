import type { Fields } from '../requests/fields.js'
import type { Answer, Segment } from './answer.js'
import type { Account, AnswerHead, Piece, TextFormat } from './text-format.js'

type Item = Readonly<Record<string, unknown>>

/** The `usage` object of the Responses API. */
export function responseUsage(account: Account): Item {
  const { inputTokens, cachedTokens, outputTokens, reasoningTokens } = account
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cachedTokens },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: inputTokens + outputTokens,
  }
}

/** The format of the Responses API: one answer that consists of items. A stream consists of typed, numbered events. */
export class ResponsesFormat implements TextFormat {
  readonly #head: AnswerHead
  readonly #body: Fields
  readonly #output: Item[] = []
  #number = 0
  #answer: Answer | undefined

  constructor(head: AnswerHead, body: Fields) {
    this.#head = head
    this.#body = body
  }

  plain([answer]: readonly Answer[], account: Account | undefined): string {
    this.#answer = answer
    const output = (answer?.segments ?? []).map((segment, i) => this.#item(segment, i, segment.text, 'completed'))
    return JSON.stringify(this.#response(statusOf(answer), output, account))
  }

  opening(): string {
    const response = this.#response('in_progress', [], undefined)
    return this.#event('response.created', { response }) + this.#event('response.in_progress', { response })
  }

  piece({ segment, text, first, last }: Piece): string {
    const index = this.#output.length
    const at = { item_id: this.#itemId(segment, index), output_index: index }
    return (
      (first ? this.#begin(segment, at) : '') +
      this.#event(`${deltaOf[segment.kind]}.delta`, { ...at, ...placeOf(segment), delta: text }) +
      (last ? this.#end(segment, at) : '')
    )
  }

  closing(_choice: number, answer: Answer): string {
    this.#answer = answer
    if (this.#output.length > 0) return ''
    // An empty answer still has one empty message.
    const segment: Segment = { kind: 'content', text: '', tokens: 0 }
    const at = { item_id: this.#itemId(segment, 0), output_index: 0 }
    return this.#begin(segment, at) + this.#end(segment, at)
  }

  ending(account: Account | undefined): string {
    const status = statusOf(this.#answer)
    return this.#event(`response.${status}`, { response: this.#response(status, this.#output, account) })
  }

  #begin(segment: Segment, at: Item): string {
    const item = this.#item(segment, this.#output.length, '', 'in_progress')
    const added = this.#event('response.output_item.added', { output_index: at['output_index'], item })
    const part = partOf(segment, '')
    if (part === undefined) return added
    return added + this.#event(`${partEvent(segment)}.added`, { ...at, ...placeOf(segment), part })
  }

  #end(segment: Segment, at: Item): string {
    const { kind, text } = segment
    const place = placeOf(segment)
    const whole = kind === 'tool' ? { arguments: text, name: segment.call?.name } : { text }
    let events = this.#event(`${deltaOf[kind]}.done`, { ...at, ...place, ...whole })
    const part = partOf(segment, text)
    if (part !== undefined) events += this.#event(`${partEvent(segment)}.done`, { ...at, ...place, part })
    const item = this.#item(segment, this.#output.length, text, 'completed')
    this.#output.push(item)
    return events + this.#event('response.output_item.done', { output_index: at['output_index'], item })
  }

  #event(type: string, fields: Item): string {
    const data = JSON.stringify({ type, sequence_number: this.#number, ...fields })
    this.#number += 1
    return `event: ${type}\ndata: ${data}\n\n`
  }

  #itemId({ kind }: Segment, index: number): string {
    const prefix = { reasoning: 'rs', content: 'msg', tool: 'fc' }[kind]
    return `${prefix}_${this.#head.requestId}_${index}`
  }

  #item(segment: Segment, index: number, text: string, status: string): Item {
    const id = this.#itemId(segment, index)
    const part = partOf(segment, text)
    const parts = text === '' && status === 'in_progress' ? [] : [part]
    if (segment.kind === 'reasoning') return { id, type: 'reasoning', summary: parts, status }
    if (segment.kind === 'content') return { id, type: 'message', status, role: 'assistant', content: parts }
    const { call } = segment
    return { id, type: 'function_call', status, call_id: call?.id, name: call?.name, arguments: text }
  }

  #response(status: string, output: readonly Item[], account: Account | undefined): Item {
    const body = this.#body
    return {
      id: `resp_${this.#head.requestId}`,
      object: 'response',
      created_at: this.#head.created,
      status,
      error: null,
      incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
      instructions: body['instructions'] ?? null,
      max_output_tokens: body['max_output_tokens'] ?? null,
      model: this.#head.model,
      output,
      parallel_tool_calls: body['parallel_tool_calls'] ?? false,
      previous_response_id: body['previous_response_id'] ?? null,
      tool_choice: body['tool_choice'] ?? 'auto',
      tools: body['tools'] ?? [],
      metadata: body['metadata'] ?? {},
      usage: account === undefined ? null : responseUsage(account),
    }
  }
}

const deltaOf = {
  reasoning: 'response.reasoning_summary_text',
  content: 'response.output_text',
  tool: 'response.function_call_arguments',
} as const

function partEvent({ kind }: Segment): string {
  return kind === 'reasoning' ? 'response.reasoning_summary_part' : 'response.content_part'
}

function partOf({ kind }: Segment, text: string): Item | undefined {
  if (kind === 'reasoning') return { type: 'summary_text', text }
  return kind === 'content' ? { type: 'output_text', text, annotations: [] } : undefined
}

/** The position of a delta within its item. */
function placeOf({ kind }: Segment): Item {
  if (kind === 'reasoning') return { summary_index: 0 }
  return kind === 'content' ? { content_index: 0 } : {}
}

function statusOf(answer: Answer | undefined): 'completed' | 'incomplete' {
  return answer?.finishReason === 'length' ? 'incomplete' : 'completed'
}
