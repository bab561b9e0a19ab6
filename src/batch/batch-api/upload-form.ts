import { openAsBlob } from 'node:fs'

/** A file for upload. */
export interface UploadFile {
  readonly path: string
  readonly filename: string
  /** Its length. It must not change before it is sent. */
  readonly bytes: number
}

const TYPE = { type: 'application/jsonl' }

/**
 * What `fetch` is given to send a form (RFC 7578) with text fields and a file, which is read from the disk as fast as it is sent.
 *
 * The headers say its length: not every server takes a body without. The body is a stream, not a `FormData`: the `fetch` of
 * the package undici, which users give for the sake of a proxy, does not know Node's own and would send `[object FormData]`.
 *
 * @throws Error if the file cannot be read or has another length
 */
export async function uploadForm(fields: Readonly<Record<string, string>>, file: UploadFile): Promise<RequestInit> {
  const content = await openAsBlob(file.path, TYPE)
  if (content.size !== file.bytes) throw new Error(`it has ${content.size} bytes, not ${file.bytes}`)
  // What stands around the file. Boundaries differ from form to form, but not in their length.
  const frame = await encoded(fields, new Blob([], TYPE), file.filename).arrayBuffer()
  const { headers, body } = encoded(fields, content, file.filename)
  const init: RequestInit & { readonly duplex: 'half' } = {
    headers: {
      'content-type': headers.get('content-type')!,
      'content-length': String(frame.byteLength + content.size),
    },
    body,
    duplex: 'half',
    // Else `fetch` would keep all that it has sent, to send it again where the server redirects.
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
