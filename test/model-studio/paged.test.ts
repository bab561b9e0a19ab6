import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { paged } from '../../src/model-studio/http/paged.js'
import { json } from '../support/fake-fetch.js'
import { failure, world } from './setup.js'
import { runs } from '../support/runs.js'

/** A list of which a page is asked for; `change` may change it before each page. */
function listed(all: string[], size: number, hasTotal = true, change: (pageNo: number) => void = () => undefined) {
  const asked: number[] = []
  const list = paged(
    'things',
    size,
    (row: string) => row,
    async (pageNo) => {
      asked.push(pageNo)
      change(pageNo)
      const rows = all.slice((pageNo - 1) * size, pageNo * size)
      return { rows, total: hasTotal ? all.length : undefined }
    },
  )
  return { list, asked }
}

describe('a list', () => {
  it('has every row once, in order, with no page too many', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(60), fc.integer({ min: 1, max: 12 }), fc.boolean(), async (count, size, hasTotal) => {
        const all = Array.from({ length: count }, (_, i) => String(i))
        const { list, asked } = listed(all, size, hasTotal)
        expect(await list.all()).toEqual(all)
        const pages = hasTotal ? Math.max(1, Math.ceil(count / size)) : Math.floor(count / size) + 1
        expect(asked).toEqual(Array.from({ length: pages }, (_, i) => i + 1))
      }),
      runs(100),
    )
  })

  it('is read page by page, as far as it is iterated, and anew each time', async () => {
    const { list, asked } = listed(['a', 'b', 'c', 'd', 'e'], 2)
    for await (const row of list) if (row === 'c') break
    expect(asked).toEqual([1, 2])
    expect(await list.all()).toHaveLength(5)
    expect(asked).toEqual([1, 2, 1, 2, 3])
  })

  it('has what moves to the next page once', async () => {
    const all = ['d', 'c', 'b', 'a']
    const { list } = listed(all, 2, true, (pageNo) => {
      if (pageNo === 2) all.unshift('e')
    })
    expect(await list.all()).toEqual(['d', 'c', 'b', 'a'])
  })

  it('has all although a whole page moved', async () => {
    const all = ['d', 'c', 'b', 'a']
    const { list } = listed(all, 2, true, (pageNo) => {
      if (pageNo === 2) all.unshift('f', 'e')
    })
    expect(await list.all()).toEqual(['d', 'c', 'b', 'a'])
  })

  it('ends with an empty page, whatever its total', async () => {
    const { studio, service, after } = world([
      json({ output: { total: 99, deployments: [{ deployed_model: 'm', status: 'x' }] } }),
      json({ output: { total: 99, deployments: [] } }),
    ])
    expect(await after(studio.deployments.list().all())).toHaveLength(1)
    expect(service.sent).toHaveLength(2)
  })

  it('reads on where the service gives smaller pages than were asked for', async () => {
    const page = (id: string) =>
      json({ output: { total: 3, page_size: 1, deployments: [{ deployed_model: id, status: 'x' }] } })
    const { studio, after } = world([page('a'), page('b'), page('c')])
    const all = await after(studio.deployments.list({ pageSize: 100 }).all())
    expect(all.map(({ deployedModel }) => deployedModel)).toEqual(['a', 'b', 'c'])
  })

  it('has a row of a model for each of its workspaces', async () => {
    const rows = [
      { model: 'm', workspace_id: 'one' },
      { model: 'm', workspace_id: 'two' },
    ]
    const { studio } = world([json({ output: { total: 2, quotas: rows } })])
    expect(await studio.quotas.list().all()).toHaveLength(2)
  })
})

describe('a list that does not end', () => {
  it('is an error where its pages repeat', async () => {
    const same = json({ request_id: 'r', output: { total: 99, deployments: [{ deployed_model: 'm', status: 'x' }] } })
    const { studio, service, after } = world([same])
    const error = await failure(after(studio.deployments.list().all()))
    expect(error.code).toBe('unexpected_answer')
    expect(error.message).toBe('The list of deployments repeats itself: page 3 has nothing that was not on one before')
    expect(service.sent).toHaveLength(3)
  })

  it('is an error where its pages are always new', async () => {
    let pages = 0
    const endless = paged(
      'things',
      1,
      (row: string) => row,
      async (pageNo) => {
        pages++
        return { rows: [String(pageNo)], total: Infinity }
      },
    )
    expect((await failure(endless.all())).message).toContain('does not end: it has more than 10000 pages')
    expect(pages).toBe(10_000)
  })

  it('gives its rows until then', async () => {
    const same = json({ output: { total: 99, deployments: [{ deployed_model: 'm', status: 'x' }] } })
    const { studio } = world([same])
    const given: string[] = []
    for await (const { deployedModel } of studio.deployments.list()) {
      given.push(deployedModel)
      break
    }
    expect(given).toEqual(['m'])
  })
})

it.each([{}, { deployments: {} }, { deployments: [7] }, { deployments: [{ status: 'x' }] }])(
  'a list that is none, %o, says so with the id of the request',
  async (output) => {
    const { studio } = world([json({ request_id: 'r-9', output })])
    const error = await failure(studio.deployments.list().all())
    expect([error.code, error.requestId, error.status]).toEqual(['unexpected_answer', 'r-9', 200])
    expect(error.message).toMatch(/deployments.*(without a list of 'deployments'|without 'deployed_model')/)
  },
)
