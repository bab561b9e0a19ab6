import { openAsBlob } from 'node:fs'

/** A file to upload. */
export interface UploadFile {
  readonly path: string
  readonly filename: string
  /** The length of the file, in bytes. It must not change before the upload. */
  readonly bytes: number
}

const TYPE = { type: 'application/jsonl' }

/**
 * Resolves to the `fetch` options of a form (RFC 7578) with text fields and a file. The file is streamed from disk.
 *
 * The headers contain the length, because some servers reject a body without one. The body is a stream, not a `FormData`. Users
 * pass undici's `fetch` to use a proxy. It does not recognise Node's `FormData` and would send `[object FormData]`.
 *
 * @throws Error if the file cannot be read or its length differs
 */
export async function uploadForm(fields: Readonly<Record<string, string>>, file: UploadFile): Promise<RequestInit> {
  const content = await openAsBlob(file.path, TYPE)
  if (content.size !== file.bytes) throw new Error(`it has ${content.size} bytes, not ${file.bytes}`)
  // The form without the file's content. Every boundary has the same length, so this gives the length of the real frame.
  const frame = await encoded(fields, new Blob([], TYPE), file.filename).arrayBuffer()
  const { headers, body } = encoded(fields, content, file.filename)
  const init: RequestInit & { readonly duplex: 'half' } = {
    headers: {
      'content-type': headers.get('content-type')!,
      'content-length': String(frame.byteLength + content.size),
    },
    body,
    duplex: 'half',
    // Otherwise `fetch` would keep the whole body in memory, to send it again after a redirect.
    redirect: 'error',
  }
  return init
}

function encoded(fields: Readonly<Record<string, string>>, content: Blob, filename: string): Response {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  form.set('file', content, filename)
  return new Response(form)
}
