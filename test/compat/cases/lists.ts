import { strict as assert } from 'node:assert'
import type { Case } from '../case.js'
import { EMBEDDINGS, MODEL } from '../world.js'
import { readAll, type OpenAIWorld } from './calls.js'

async function upload(world: OpenAIWorld, name: string) {
  const file = await world.sdk.toFile(Buffer.from(`{"custom_id":"${name}"}\n`), name)
  return world.client().files.create({ file, purpose: 'batch' })
}

export const listCases: Case[] = [
  {
    name: 'models, listed and by name',
    service: { limits: { [MODEL]: { rpm: 60 }, [EMBEDDINGS]: { rpm: 60 } } },
    async run(world) {
      const client = world.client()
      const models = await readAll(client.models.list())
      assert.deepEqual(models.map(({ id }) => id).toSorted(), [MODEL, EMBEDDINGS])
      return { models, page: (await client.models.list()).data, one: await client.models.retrieve(MODEL) }
    },
  },
  {
    name: 'files: upload, list page by page, content, delete',
    async run(world) {
      const client = world.client()
      const files = []
      for (const name of ['a', 'b', 'c', 'd', 'e']) files.push(await upload(world, `${name}.jsonl`))
      const listed = await readAll(client.files.list({ limit: 2 }))
      assert.equal(listed.length, 5)
      assert.equal(world.http.count, 5 + 3)
      const page = await client.files.list({ limit: 2 })
      const next = await page.getNextPage()
      const [file] = files
      const content = await client.files.content(file!.id)
      return {
        files,
        listed,
        pages: [page.data, page.hasNextPage(), next.data, next.hasNextPage()],
        content: { response: content, text: await content.text() },
        deleted: await client.files.delete(file!.id),
      }
    },
  },
  {
    name: 'batches: create, list, retrieve',
    async run(world) {
      const client = world.client()
      const { id: input_file_id } = await upload(world, 'lines.jsonl')
      const body = { input_file_id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const
      const batch = await client.batches.create(body)
      return { batch, listed: await readAll(client.batches.list()), one: await client.batches.retrieve(batch.id) }
    },
  },
]
