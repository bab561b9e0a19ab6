import { isHeadgateError } from '../../errors.js'
import type { Endpoint } from '../endpoints/endpoint.js'
import type { Exchange } from '../exchange.js'
import { parseObject } from '../requests/fields.js'
import type { Service } from '../service.js'
import type { Batch } from './batch.js'
import type { Batches } from './batches.js'
import { listOf } from './file-endpoints.js'

/** The endpoints of the Batch API: create, list, get and cancel. */
export function batchEndpoints(service: Service, batches: Batches): Endpoint[] {
  const { clock } = service.settings
  const shown = (batch: Batch): unknown => batch.output(clock.now(), (at) => service.epochSeconds(at))
  const withBatch = (exchange: Exchange, id: string, answer: (batch: Batch) => void): void => {
    const batch = batches.get(id)
    if (batch !== undefined) return answer(batch)
    exchange.send(404, service.dialect.noSuch('Batch', id, exchange.id))
  }
  return [
    {
      method: 'POST',
      path: /^\/batches$/,
      handle: ({ exchange, body }) => {
        try {
          exchange.send(200, JSON.stringify(shown(batches.create(parseObject(body.toString()), clock.now()))))
        } catch (error) {
          if (!isHeadgateError(error, 'invalid_request')) throw error
          exchange.send(400, service.dialect.badRequest(error.message, exchange.id))
        }
      },
    },
    {
      method: 'GET',
      path: /^\/batches$/,
      handle: ({ exchange, query }) => exchange.send(200, JSON.stringify(listOf(batches.list(), query, shown))),
    },
    {
      method: 'GET',
      path: /^\/batches\/([^/]+)$/,
      handle: ({ exchange, params: [id = ''] }) =>
        withBatch(exchange, id, (batch) => exchange.send(200, JSON.stringify(shown(batch)))),
    },
    {
      method: 'POST',
      path: /^\/batches\/([^/]+)\/cancel$/,
      handle: ({ exchange, params: [id = ''] }) =>
        withBatch(exchange, id, (batch) => {
          if (batch.cancel(clock.now())) return exchange.send(200, JSON.stringify(shown(batch)))
          const message = `Cannot cancel a batch with status '${batch.advance(clock.now())}'.`
          exchange.send(409, service.dialect.conflict(message, exchange.id))
        }),
    },
  ]
}
