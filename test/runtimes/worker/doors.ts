import type { Limiter } from 'headgate'
import { limitOpenAI } from 'headgate/openai'
import OpenAI from 'openai'
import { QUEUED_MODEL, textOf, type Chat } from './chat.js'

/** One way through a limiter to the service; the answer says what the service said. */
export type Door = (limiter: Limiter, chat: Chat) => Promise<Response>

/** How many calls wait for one another. */
const QUEUED_CALLS = 4

export const doors: Readonly<Record<string, Door>> = {
  async fetch(limiter, chat) {
    return new Response(await textOf(await limiter.fetch(chat.url, chat.init())))
  },

  async 'fetch of a Request'(limiter, chat) {
    return new Response(await textOf(await limiter.fetch(new Request(chat.url, chat.init()))))
  },

  async 'fetch of a stream'(limiter, chat) {
    return new Response(await textOf(await limiter.fetch(chat.url, chat.init(undefined, { stream: true }))))
  },

  /** The service's answer is the worker's own. */
  'fetch, passed on': (limiter, chat) => limiter.fetch(chat.url, chat.init()),

  /** The stream is read after the worker's handler has returned. */
  'fetch of a stream, passed on': (limiter, chat) => limiter.fetch(chat.url, chat.init(undefined, { stream: true })),

  async schedule(limiter, chat) {
    const text = await limiter.schedule({ model: chat.body().model, inputTokens: 20 }, async ({ model, signal }) =>
      textOf(await fetch(chat.url, chat.init(model, { signal }))),
    )
    return new Response(text)
  },

  /** Calls that start by the limiter's timer: a new limiter has room for none but the first. */
  async 'schedule, waiting'(limiter, chat) {
    let waited = 0
    const calls = Array.from({ length: QUEUED_CALLS }, () =>
      limiter.schedule({ model: QUEUED_MODEL, inputTokens: 20 }, async ({ model, waitMs }) => {
        if (waitMs > 0) waited++
        return textOf(await fetch(chat.url, chat.init(model)))
      }),
    )
    const text = [...new Set(await Promise.all(calls))].join(' and ')
    return new Response(waited > 0 ? text : `${text}, without waiting`)
  },

  async limitOpenAI(limiter, chat) {
    const { choices } = await clientOf(limiter, chat).chat.completions.create(chat.body())
    return new Response(choices[0]?.message.content)
  },

  async 'limitOpenAI, a stream'(limiter, chat) {
    let text = ''
    const stream = await clientOf(limiter, chat).chat.completions.create({ ...chat.body(), stream: true })
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? ''
    return new Response(text)
  },
}

/** Without retries: they would hide what fails once. */
export function clientOf(limiter: Limiter, { baseURL }: Chat): OpenAI {
  return limitOpenAI(new OpenAI({ apiKey: 'sk-test', baseURL, maxRetries: 0 }), limiter)
}
