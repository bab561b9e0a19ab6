import type { Service } from '../service.js'
import type { Endpoint } from './endpoint.js'

/** The endpoints of OpenAI's list of models. */
export function modelEndpoints(service: Service): Endpoint[] {
  const created = Math.floor(service.settings.epochMs / 1000)
  const card = (id: string): unknown => ({ id, object: 'model', created, owned_by: 'system' })
  return [
    {
      method: 'GET',
      path: /^\/models$/,
      handle: ({ exchange }) => {
        const data = service.models.names().map(card)
        exchange.send(200, JSON.stringify({ object: 'list', data }))
      },
    },
    {
      method: 'GET',
      path: /^\/models\/(.+)$/,
      handle: ({ exchange, params: [name = ''] }) => {
        if (service.models.exists(name)) return exchange.send(200, JSON.stringify(card(name)))
        exchange.send(404, service.dialect.modelNotFound(name, exchange.id))
      },
    },
  ]
}

/** The simulator's own endpoint, which returns the ledger. `?last=100` returns the latest 100 entries only. */
export function ledgerEndpoint(service: Service): Endpoint {
  return {
    method: 'GET',
    path: /^\/__ledger$/,
    controlPlane: true,
    open: true,
    handle: ({ exchange, query }) => {
      const last = Number(query.get('last') ?? Number.NaN)
      exchange.send(200, JSON.stringify(service.ledger(last >= 0 ? Math.floor(last) : undefined)))
    },
  }
}
