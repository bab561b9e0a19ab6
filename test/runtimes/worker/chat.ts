/** Answers at once. */
export const MODEL = 'qwen-plus'
/** Answers at once; the limiter's limits for it are so low that calls wait for one another. */
export const QUEUED_MODEL = 'qwen-flash'
/** Does not answer. */
export const SILENT_MODEL = 'qwen-max'
/** Begins a stream, and does not go on with it. */
export const STALLING_MODEL = 'qwen-turbo'

/** What the service answers. */
export const replyTo = (text: string): string => `You said: ${text}`

/** The body of a chat completion. */
export interface ChatBody {
  readonly model: string
  readonly messages: { readonly role: 'user'; readonly content: string }[]
}

/** What a request to the worker asks it to do: to say `text` to the service at `baseURL`. */
export class Chat {
  readonly baseURL: string
  readonly text: string

  constructor({ searchParams }: URL) {
    this.baseURL = searchParams.get('service') ?? ''
    this.text = searchParams.get('text') ?? ''
  }

  get url(): string {
    return `${this.baseURL}/chat/completions`
  }

  body(model = MODEL): ChatBody {
    return { model, messages: [{ role: 'user', content: this.text }] }
  }

  /** What `fetch` is given to send it. */
  init(model = MODEL, extra: { stream?: true; signal?: AbortSignal } = {}): RequestInit {
    const { signal = null, ...fields } = extra
    const headers = { 'content-type': 'application/json', authorization: 'Bearer sk-test' }
    return { method: 'POST', headers, signal, body: JSON.stringify({ ...this.body(model), ...fields }) }
  }
}

interface Chunk {
  readonly choices: readonly { readonly delta?: { content?: string }; readonly message?: { content?: string } }[]
}

/** What an answer says, whether it is JSON, a stream of events or plain text. */
export async function textOf(answer: Response): Promise<string> {
  const type = answer.headers.get('content-type') ?? ''
  if (type.includes('json')) return saidIn((await answer.json()) as Chunk)
  const text = await answer.text()
  if (!type.includes('event-stream')) return text
  const events = text.matchAll(/^data: (\{.*)$/gm)
  return [...events].map(([, json]) => saidIn(JSON.parse(json!) as Chunk)).join('')
}

function saidIn({ choices }: Chunk): string {
  return choices.map(({ delta, message }) => (delta ?? message)?.content ?? '').join('')
}
