import { pageOf, sendOutput } from '../endpoints/endpoint.js'
import type { Endpoint } from '../endpoints/endpoint.js'
import type { Service } from '../service.js'
import type { Limits } from '../../types.js'
import { workspaceOf } from './deployment-endpoints.js'

/**
 * The live table of limits. The query selects rows: `name` is a part of the model's name, `model` the exact name.
 * Without them it returns all models.
 */
export function quotasEndpoint(service: Service): Endpoint {
  const { quotasPath, defaultWorkspace } = service.settings.controlPlane
  return {
    method: 'GET',
    path: new RegExp(`^${quotasPath.replaceAll(/[^\w/]/g, String.raw`\$&`)}$`),
    controlPlane: true,
    handle: ({ exchange, query, headers }) => {
      const workspace = workspaceOf(headers, defaultWorkspace)
      const [part, exact] = [query.get('name') ?? '', query.get('model') ?? '']
      sendOutput(exchange, () => {
        const names = service.models
          .names()
          .filter((name) => name.includes(part) && (exact === '' || name === exact))
          .sort()
        const { rows, ...page } = pageOf(names, query, 20)
        const quotas = rows.map((model) => {
          const own = service.models.workspaceLimits(workspace, model)
          return {
            model,
            workspace_id: workspace,
            model_limit: quotaOf(service.models.rowOf(model)?.limits ?? {}),
            workspace_limit: own === undefined ? null : quotaOf(own),
          }
        })
        return { total: page.total, page_no: page.page_no, page_size: page.page_size, quotas }
      })
    },
  }
}

/** A row in the form of the live table. A limit per second is written only if the row has no such limit per minute. */
function quotaOf({ rpm, rps, tpm, tps }: Limits): unknown {
  const bySecond = rpm === undefined && rps !== undefined
  const tokensBySecond = tpm === undefined && tps !== undefined
  return {
    request_limit: finite(bySecond ? rps : rpm),
    request_limit_period: bySecond ? 1 : 60,
    usage_limit: finite(tokensBySecond ? tps : tpm),
    usage_limit_field: 'total_tokens',
    usage_limit_period: tokensBySecond ? 1 : 60,
    async_user_queue_limit: null,
    async_user_concurrency_limit: null,
  }
}

function finite(limit: number | undefined): number | null {
  return limit === undefined || limit === Infinity ? null : limit
}
