import { describe, expect, it } from 'vitest'
import { readRequestText } from '../../../src/batch/file/request-line.js'

const read = (value: unknown, model?: string) => readRequestText(JSON.stringify(value), 7, { model })
const chat = { custom_id: 'a', method: 'POST', url: '/v1/chat/completions' }

describe('a line of the Batch API', () => {
  it('is sent as it stands', () => {
    const body = { model: 'qwen-plus', messages: [], odd: { kept: [1] } }
    expect(read({ ...chat, body })).toEqual({
      line: 7,
      customId: 'a',
      path: '/chat/completions',
      route: 'chat',
      model: 'qwen-plus',
      body,
      text: JSON.stringify(body),
    })
    expect(read({ ...chat, url: '/v1/embeddings', body: { model: 'e', input: 'x' } })).toMatchObject({
      path: '/embeddings',
      route: 'embeddings',
    })
  })

  it('gets a model only where it names none', () => {
    expect(read({ ...chat, body: { model: 'own' } }, 'given')).toMatchObject({ model: 'own' })
    expect(read({ ...chat, body: {} }, 'given')).toMatchObject({ model: 'given', body: { model: 'given' } })
  })

  it.each<[string, unknown, string, RegExp]>([
    ['no object', [1], 'invalid_json_line', /no JSON object/],
    ['no custom_id', { ...chat, custom_id: undefined, body: {} }, 'missing_required_parameter', /custom_id/],
    ['no body', chat, 'missing_required_parameter', /no body/],
    ['a body that is no object', { ...chat, body: 'x' }, 'missing_required_parameter', /body, an object/],
    ['no url', { ...chat, url: undefined, body: {} }, 'missing_required_parameter', /no url/],
    ['an unknown url', { ...chat, url: '/v1/audio', body: {} }, 'invalid_url', /"\/v1\/audio".*\/v1\/embeddings/],
    ['the url of a property', { ...chat, url: 'constructor', body: {} }, 'invalid_url', /constructor/],
    ['another method', { ...chat, method: 'GET', body: {} }, 'invalid_method', /POST/],
    ['no model', { ...chat, body: {} }, 'missing_required_parameter', /names no model/],
    ['a stream', { ...chat, body: { model: 'm', stream: true } }, 'invalid_request', /stream/],
  ])('with %s is a fault', (_, value, code, message) => {
    expect(read(value)).toEqual({
      line: 7,
      customId: expect.toBeOneOf(['a', null]),
      code,
      message: expect.stringMatching(message),
    })
  })

  it('that is broken says where, and nothing of what it says', () => {
    const fault = readRequestText('{"secret": hidden}', 3, {})
    expect(fault).toEqual({
      line: 3,
      customId: null,
      code: 'invalid_json_line',
      message: expect.stringMatching(/valid JSON/),
    })
    expect(JSON.stringify(fault)).not.toMatch(/secret|hidden/)
  })
})

describe('a plain line', () => {
  it('is a chat, with an id of its number where it has none', () => {
    expect(read({ prompt: 'Hi' }, 'm')).toMatchObject({
      customId: 'line-7',
      path: '/chat/completions',
      body: { model: 'm', messages: [{ role: 'user', content: 'Hi' }] },
    })
    expect(read({ prompt: 'Hi', id: 12 }, 'm')).toMatchObject({ customId: '12' })
    expect(read({ messages: [1], custom_id: 'c', id: 'd' }, 'm')).toMatchObject({
      customId: 'c',
      body: { messages: [1] },
    })
  })

  it('takes a number for an id only where JSON has not rounded it', () => {
    expect(read({ prompt: 'Hi', custom_id: 12, id: 'd' }, 'm')).toMatchObject({ customId: '12' })
    expect(read(JSON.parse('{"prompt":"Hi","id":12345678901234567891}'), 'm')).toMatchObject({ customId: 'line-7' })
  })

  it('keeps the parameters of a chat, and nothing of its data set', () => {
    const line = read({ prompt: 'Hi', answer: 3, id: 'x', max_tokens: 5, temperature: 0, model: 'own' }, 'm')
    expect(line).toMatchObject({ model: 'own' })
    expect('body' in line && line.body).toEqual({
      max_tokens: 5,
      temperature: 0,
      model: 'own',
      messages: [{ role: 'user', content: 'Hi' }],
    })
  })

  it('with a prompt that is no text is a fault', () => {
    expect(read({ prompt: 3 }, 'm')).toMatchObject({ code: 'invalid_request', customId: 'line-7' })
    expect(read({ messages: 'x' }, 'm')).toMatchObject({ code: 'invalid_request' })
    expect(read({ prompt: 'x' })).toMatchObject({ code: 'missing_required_parameter' })
  })
})
