/**
 * Sends requests to the simulator from a process of its own, over raw sockets. A client library would be slower than
 * the simulator.
 */
import { connect, type Socket } from 'node:net'

/** The requests to send. */
export interface Load {
  readonly port: number
  /** The JSON of a chat completion request. */
  readonly body: string
  readonly connections: number
  readonly runMs: number
}

export interface LoadResult {
  readonly answered: number
  readonly failed: number
  readonly tookMs: number
}

const HEADERS_END = '\r\n\r\n'
const LAST_CHUNK = '\r\n0\r\n\r\n'

/** Whether `text` is one complete response. */
function isWhole(text: string): boolean {
  const end = text.indexOf(HEADERS_END)
  if (end === -1) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end + 2))?.[1]
  if (length === undefined) return text.endsWith(LAST_CHUNK)
  return text.length >= end + HEADERS_END.length + Number(length)
}

/** Sends one request after another on one socket, until the time is over. */
function drive(socket: Socket, request: string, until: number, done: (answered: number, failed: number) => void): void {
  let [answered, failed, text] = [0, 0, '']
  socket.setNoDelay(true)
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    text += chunk
    if (!isWhole(text)) return
    if (text.startsWith('HTTP/1.1 200')) answered += 1
    else failed += 1
    text = ''
    if (performance.now() < until) socket.write(request)
    else socket.end()
  })
  socket.on('error', () => (failed += 1))
  socket.on('close', () => done(answered, failed))
  socket.write(request)
}

process.on('message', ({ port, body, connections, runMs }: Load) => {
  const request =
    `POST /compatible-mode/v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer any\r\n` +
    `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}${HEADERS_END}${body}`
  const start = performance.now()
  let [open, answered, failed] = [connections, 0, 0]
  for (let i = 0; i < connections; i += 1) {
    drive(connect(port, '127.0.0.1'), request, start + runMs, (good, bad) => {
      answered += good
      failed += bad
      open -= 1
      if (open === 0) process.send!({ answered, failed, tookMs: performance.now() - start } satisfies LoadResult)
    })
  }
})
