import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { isHeadgateError } from '../../src/index.js'
import { ModelStudio } from '../../src/model-studio/index.js'
import { json, throwing, type FakeAnswer } from '../support/fake-fetch.js'
import { failure, KEY, world } from './setup.js'

/** All that a log or a dump could show of a value, causes and hidden fields too. */
function shownOf(value: unknown): string {
  const fields = value instanceof Error ? [value.message, value.stack, String(value)] : []
  return [inspect(value, { depth: 20, showHidden: true }), JSON.stringify(value), String(value), ...fields].join('\n')
}

function thrownBy(make: () => unknown): unknown {
  try {
    make()
  } catch (error) {
    return error
  }
  throw new Error('it threw nothing')
}

const echo = `Incorrect API key provided: ${KEY}. Bearer ${KEY}`

describe('the key', () => {
  it('is in no dump of the client, and is sent all the same', async () => {
    const { studio, service } = world([json({ output: { deployed_model: 'm', status: 'RUNNING' } })])
    await studio.deployments.get('m')
    expect(service.sent[0]!.headers.get('authorization')).toBe(`Bearer ${KEY}`)
    for (const part of [studio, studio.quotas, studio.deployments, studio.quotas.list(), { ...studio }]) {
      expect(shownOf(part)).not.toContain(KEY)
    }
  })

  it.each<[string, FakeAnswer]>([
    ['a refusal', json({ code: 'InvalidApiKey', message: echo, request_id: KEY }, 401)],
    ['a code', json({ code: KEY, message: 'x' }, 400)],
    ['a page of HTML', json(`<html>${echo}</html>`)],
    ['a page of HTML with 500', json(`<html>${echo}</html>`, 500)],
    ['a redirect', json('', 302, { location: `https://elsewhere.example/${KEY}`, 'x-request-id': KEY })],
    ['a body nested in a message', json({ code: 'x', message: JSON.stringify({ error: { message: echo } }) }, 400)],
    ['the id in a header', json({ code: 'x' }, 400, { 'x-request-id': KEY })],
    [
      'what fetch throws, with the request in it',
      throwing(
        Object.assign(
          new TypeError(`fetch failed for ${KEY}`, { cause: Object.assign(new Error(echo), { code: KEY }) }),
          {
            config: { headers: { authorization: `Bearer ${KEY}` } },
          },
        ),
      ),
    ],
    ['several errors', throwing(new AggregateError([new Error(echo), echo], echo))],
    ['a text that is thrown', throwing(echo)],
  ])('is not shown where the service or the way to it tells it: %s', async (_, answer) => {
    const { studio, after } = world([answer], { maxRetries: 1 })
    for (const call of [studio.deployments.get('m'), studio.quotas.list().all()]) {
      const error = await failure(after<unknown>(call))
      expect(shownOf(error)).not.toContain(KEY)
      expect(shownOf(error)).toContain('[key]')
    }
  })

  it('is not shown in part where a long text is cut', async () => {
    let cut = 0
    for (const before of [60, 90, 95, 950, 990, 1990, 3990]) {
      const text = `${'x'.repeat(before)}${KEY}${'y'.repeat(3000)}`
      const answers = [json(text, 400), json({ message: text }, 400), json(JSON.stringify(text), 400), json(text)]
      for (const answer of answers) {
        const { studio } = world([answer])
        const shown = shownOf(await failure(studio.deployments.get('m')))
        expect(shown).not.toContain(KEY.slice(0, 4))
        if (shown.includes('xxx')) cut++
      }
    }
    expect(cut, 'errors that show the beginning of the answer').toBeGreaterThan(0)
  })

  it.each([`Bearer ${KEY}`, `${KEY}\n`, `${KEY}\u0000`, `${KEY}é`])('is refused, and not shown, as %j', (apiKey) => {
    const error = thrownBy(() => new ModelStudio({ apiKey }))
    expect(isHeadgateError(error, 'invalid_request')).toBe(true)
    expect(shownOf(error)).not.toContain(KEY)
  })

  it('is not taken from an address, nor shown in what is said of it', () => {
    for (const baseURL of [
      `https://me:${KEY}@dashscope.aliyuncs.com/api/v1`,
      `https://dashscope.aliyuncs.com/?k=${KEY}`,
    ]) {
      const error = thrownBy(() => new ModelStudio({ apiKey: 'k', baseURL }))
      expect(isHeadgateError(error, 'invalid_request')).toBe(true)
      expect(shownOf(error)).not.toContain(KEY)
    }
  })
})
