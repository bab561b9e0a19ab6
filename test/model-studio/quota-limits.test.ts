import { describe, expect, it } from 'vitest'
import type { Quota } from '../../src/model-studio/index.js'
import { json } from '../support/fake-fetch.js'
import { world } from './setup.js'

async function read(modelLimit: unknown, workspaceLimit: unknown = null): Promise<Quota> {
  const quotas = [{ model: 'm', model_limit: modelLimit, workspace_limit: workspaceLimit }]
  const { studio } = world([json({ output: { total: 1, quotas } })])
  const [quota] = await studio.quotas.list().all()
  return quota!
}

const minute = (request: unknown, usage: unknown) => ({ request_limit: request, usage_limit: usage })

describe('limits of a quota', () => {
  it.each<[object | null, object]>([
    [
      { ...minute(600, 5000), request_limit_period: 60, usage_limit_period: 60 },
      { rpm: 600, tpm: 5000 },
    ],
    [minute(600, 5000), { rpm: 600, tpm: 5000 }],
    [
      { request_limit: 30, request_limit_period: 1, usage_limit: 7, usage_limit_period: 1 },
      { rps: 30, tps: 7 },
    ],
    // Paced at its rate, another period's limit holds as well.
    [{ request_limit: 100, request_limit_period: 10 }, { rps: 10 }],
    [{ request_limit: 1000, request_limit_period: 3600 }, { rpm: 16 }],
    [{ ...minute(1, 5), usage_limit_field: 'characters' }, { rpm: 1 }],
    [minute(null, null), {}],
    [minute(-1, -1), {}],
    [minute(0, 0), { rpm: 0, tpm: 0 }],
    [{ request_limit: 5, request_limit_period: 0 }, {}],
    [{}, {}],
    [null, {}],
  ])('%o are %o', async (row, limits) => {
    const quota = await read(row)
    expect([quota.accountLimits, quota.limits]).toEqual([limits, limits])
  })

  it("of a workspace never are above the account's", async () => {
    const quota = await read(minute(600, 5000), minute(900, 100))
    expect(quota.accountLimits).toEqual({ rpm: 600, tpm: 5000 })
    expect(quota.limits).toEqual({ rpm: 600, tpm: 100 })
    expect((await read(minute(600, null), minute(null, 9))).limits).toEqual({ rpm: 600, tpm: 9 })
  })
})
