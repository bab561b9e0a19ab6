import type { createLimiter } from 'headgate'
import type { hint, limitOpenAI } from 'headgate/openai'
import type { startSimulator } from 'headgate/simulator'
import type { AzureOpenAI, OpenAI, toFile } from 'openai'

/** What the cases use of `openai`, in the types of the release that the project develops with. */
export interface OpenAISdk {
  readonly OpenAI: typeof OpenAI
  readonly AzureOpenAI: typeof AzureOpenAI
  readonly toFile: typeof toFile
}

/** What the cases use of `ai` and its provider for compatible services: no more than they read. */
export interface AiSdk {
  readonly createOpenAICompatible: (options: object) => (model: string) => unknown
  readonly generateText: (options: object) => Promise<AiResult>
  readonly streamText: (options: object) => AiStream
  readonly tool: (definition: object) => unknown
  readonly jsonSchema: (schema: object) => unknown
  readonly stepCountIs: (count: number) => unknown
}

export interface AiStep {
  readonly text: string
  readonly finishReason: string
  readonly usage: unknown
  readonly toolCalls: readonly unknown[]
  readonly toolResults: readonly unknown[]
}

export interface AiResult extends AiStep {
  readonly totalUsage: unknown
  readonly steps: readonly AiStep[]
  readonly response: { readonly id: string; readonly modelId: string; readonly headers: object; readonly body: unknown }
}

/** Each of a result's fields comes when the stream has ended. */
export type AiStream = { readonly [K in keyof AiResult]: PromiseLike<AiResult[K]> } & {
  readonly textStream: AsyncIterable<string>
  readonly fullStream: AsyncIterable<{ readonly type: string }>
}

/** What the cases use of LangChain.js: no more than they read. */
export interface LangChainSdk {
  readonly ChatOpenAI: new (options: object) => LangChainModel
  readonly tool: (run: (input: never) => unknown, definition: object) => unknown
}

export interface LangChainModel {
  invoke(input: unknown, options?: object): Promise<LangChainMessage>
  stream(input: unknown, options?: object): Promise<AsyncIterable<LangChainMessage>>
  bindTools(tools: readonly unknown[]): LangChainModel
}

export interface LangChainMessage {
  readonly id: string
  readonly content: unknown
  readonly tool_calls?: readonly unknown[]
  readonly usage_metadata?: unknown
  readonly response_metadata: object
}

/** Headgate: the built package, or its sources. */
export interface Headgate {
  readonly createLimiter: typeof createLimiter
  readonly limitOpenAI: typeof limitOpenAI
  readonly hint: typeof hint
  readonly startSimulator: typeof startSimulator
}
