import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'

/** A file for upload. */
export interface FormFile {
  readonly path: string
  readonly filename: string
  /** As long as it is: it must not change meanwhile. */
  readonly bytes: number
}

/** Of a form (RFC 7578), for `fetch`. */
export interface Form {
  readonly headers: Readonly<Record<string, string>>
  readonly body: ReadableStream<Uint8Array>
}

/**
 * A form with text fields and a file that is read from the disk as fast as it is sent. Its length is told beforehand: not
 * every server takes a body without.
 */
export function formOf(fields: Readonly<Record<string, string>>, file: FormFile): Form {
  const boundary = `headgate-${randomUUID()}`
  const partOf = (disposition: string): string => `--${boundary}\r\ncontent-disposition: form-data; ${disposition}\r\n`
  const texts = Object.entries(fields).map(([name, value]) => `${partOf(`name="${name}"`)}\r\n${value}\r\n`)
  const opening = partOf(`name="file"; filename="${file.filename}"`)
  const head = Buffer.from(`${texts.join('')}${opening}content-type: application/jsonl\r\n\r\n`)
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield head
    yield* createReadStream(file.path) as AsyncIterable<Buffer>
    yield tail
  }
  return {
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': String(head.length + file.bytes + tail.length),
    },
    body: Readable.toWeb(Readable.from(chunks(), { objectMode: false })) as ReadableStream<Uint8Array>,
  }
}
