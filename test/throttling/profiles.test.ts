import { describe, expect, test } from 'vitest'
import { profileOfHost, profiles } from '../../src/throttling/profiles.js'

describe('profileOfHost', () => {
  test.each([
    ['dashscope.aliyuncs.com', 'model-studio'],
    ['dashscope-intl.aliyuncs.com', 'model-studio'],
    ['dashscope-us.aliyuncs.com', 'model-studio'],
    ['DashScope.Aliyuncs.com', 'model-studio'],
    ['llm-x.ap-southeast-1.maas.aliyuncs.com', 'model-studio'],
    ['modelstudio.console.alibabacloud.com', 'model-studio'],
    ['api.openai.com', 'openai'],
    ['eu.api.openai.com', 'openai'],
    ['mine.openai.azure.com', 'azure'],
    ['mine.cognitiveservices.azure.com', 'azure'],
    ['mine.services.ai.azure.com', 'azure'],
    // A proxy, a gateway, the simulator: the strictest pace, and a 429 that waiting may help against.
    ['127.0.0.1', 'model-studio'],
    ['localhost', 'model-studio'],
    ['gateway.example.com', 'model-studio'],
    ['notopenai.com', 'model-studio'],
    ['openai.com.example.org', 'model-studio'],
    ['', 'model-studio'],
  ] as const)('%s: %s', (host, name) => {
    expect(profileOfHost(host)).toBe(profiles[name])
  })
})

describe('profiles', () => {
  test('name themselves', () => {
    for (const [name, profile] of Object.entries(profiles)) expect(profile.name).toBe(name)
  })

  test('differ in what they are for', () => {
    expect(profiles['model-studio']).toMatchObject({ perSecond: true, rejectedCost: 0, insufficientQuota: 'tokens' })
    expect(profiles.openai).toMatchObject({ perSecond: false, rejectedCost: 1, insufficientQuota: 'billing' })
    expect(profiles.azure).toMatchObject({ perSecond: true, rejectedCost: 1, insufficientQuota: 'billing' })
  })
})
