import type { Endpoint } from '../endpoints/endpoint.js'
import type { Exchange } from '../exchange.js'
import type { Service } from '../service.js'
import { fileObject } from './files.js'
import type { Files, StoredFile } from './files.js'
import { readUpload } from './upload.js'

/**
 * How many bytes of a form are allowed beside the file: the boundary lines, the part headers and the other fields.
 *
 * Chosen, far above what HTTP clients send. Smaller: a file of exactly the largest size could be refused with 413.
 * Larger: a longer body is read before it is refused.
 */
const FORM_OVERHEAD_BYTES = 64 * 1024

/** The endpoints of files: upload, list, get, delete and content. */
export function fileEndpoints(service: Service, files: Files): Endpoint[] {
  const { maxFileBytes } = service.settings.batch
  const withFile = (exchange: Exchange, id: string, answer: (file: StoredFile) => void): void => {
    const file = files.get(id)
    if (file !== undefined) return answer(file)
    exchange.send(404, service.dialect.noSuch('File', id, exchange.id))
  }
  return [
    {
      method: 'POST',
      path: /^\/files$/,
      maxBytes: maxFileBytes + FORM_OVERHEAD_BYTES,
      handle: async ({ exchange, headers, body }) => {
        const createdAt = Math.floor(exchange.epochNow / 1000)
        const upload = await readUpload(headers['content-type'], body)
        const bad = (message: string): void => exchange.send(400, service.dialect.badRequest(message, exchange.id))
        if (upload === undefined) return bad('the body must be multipart/form-data')
        const { file, purpose } = upload
        if (file === undefined) return bad("'file' is required")
        if (purpose === '') return bad("'purpose' is required")
        if (file.content.length === 0) return bad('File is empty.')
        const { content, filename = 'upload' } = file
        if (content.length > maxFileBytes) {
          return exchange.send(413, service.dialect.tooLarge(maxFileBytes, exchange.id))
        }
        const stored = files.add('batch', { content, filename, purpose, createdAt })
        exchange.send(200, JSON.stringify(fileObject(stored)))
      },
    },
    {
      method: 'GET',
      path: /^\/files$/,
      handle: ({ exchange, query }) => {
        const purpose = query.get('purpose')
        const found = files.list().filter((file) => purpose === null || file.purpose === purpose)
        exchange.send(200, JSON.stringify(listOf(found, query, fileObject)))
      },
    },
    {
      method: 'GET',
      path: /^\/files\/([^/]+)$/,
      handle: ({ exchange, params: [id = ''] }) =>
        withFile(exchange, id, (file) => exchange.send(200, JSON.stringify(fileObject(file)))),
    },
    {
      method: 'DELETE',
      path: /^\/files\/([^/]+)$/,
      handle: ({ exchange, params: [id = ''] }) =>
        withFile(exchange, id, () => {
          files.delete(id)
          exchange.send(200, JSON.stringify({ id, object: 'file', deleted: true }))
        }),
    },
    {
      method: 'GET',
      path: /^\/files\/([^/]+)\/content$/,
      handle: ({ exchange, params: [id = ''] }) =>
        withFile(exchange, id, ({ content }) => exchange.send(200, content, {}, 'application/octet-stream')),
    },
  ]
}

/**
 * One page of a list in OpenAI's form. The query names the page: `after` is the last id of the page before, `limit` the
 * page size. The page size is 20 by default and 100 at most, as OpenAI documents for batches.
 */
export function listOf<T extends { readonly id: string }>(
  all: readonly T[],
  query: URLSearchParams,
  shown: (one: T) => unknown,
): unknown {
  const limit = Math.min(Math.max(1, Math.floor(Number(query.get('limit') ?? 20)) || 20), 100)
  const after = query.get('after')
  const start = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1
  const page = all.slice(start, start + limit)
  return {
    object: 'list',
    data: page.map(shown),
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
    has_more: start + page.length < all.length,
  }
}
