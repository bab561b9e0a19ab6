import OpenAI, { AzureOpenAI } from 'openai'
import { describe, expectTypeOf, it } from 'vitest'
import {
  createLimiter,
  headgateErrorOf,
  isHeadgateError,
  type Clock,
  type Estimator,
  type Grant,
  type HeadgateErrorCode,
  type HeadgateEvents,
  type Hints,
  type Limiter,
  type LimiterOptions,
  type Limits,
  type LimitsSource,
  type LimitsTable,
  type Profile,
  type ScheduleRequest,
  type Stats,
  type Tokenizer,
  type UsageLike,
} from '../../src/index.js'
import { hint, limitOpenAI } from '../../src/openai/index.js'

class OwnClient extends OpenAI {
  readonly team = 'gate'
}

const limiter = createLimiter()
const openai = new OpenAI({ apiKey: 'sk-test' })
type CreateOptions = NonNullable<Parameters<OpenAI['chat']['completions']['create']>[1]>

describe('limitOpenAI returns the type of its argument', () => {
  it('of OpenAI', () => {
    expectTypeOf(limitOpenAI(openai, limiter)).toEqualTypeOf<OpenAI>()
  })

  it('of AzureOpenAI', () => {
    const azure = new AzureOpenAI({ apiKey: 'key', apiVersion: '2024-10-21', endpoint: 'http://localhost' })
    expectTypeOf(limitOpenAI(azure, limiter)).toEqualTypeOf<AzureOpenAI>()
  })

  it('of a subclass, with its own members', () => {
    const wrapped = limitOpenAI(new OwnClient({ apiKey: 'sk-test' }), limiter)
    expectTypeOf(wrapped).toEqualTypeOf<OwnClient>()
    expectTypeOf<(typeof wrapped)['team']>().toEqualTypeOf<'gate'>()
  })

  it('so the type of a result still follows from the body of the call', () => {
    type Create = ReturnType<typeof limitOpenAI<OpenAI>>['chat']['completions']['create']
    expectTypeOf<Create>().toEqualTypeOf<OpenAI['chat']['completions']['create']>()
  })

  it('and accepts only a client and a limiter', () => {
    expectTypeOf(limitOpenAI<OpenAI>).parameters.toEqualTypeOf<[client: OpenAI, limiter: Limiter]>()
    // @ts-expect-error: not a client
    type NoClient = ReturnType<typeof limitOpenAI<{ apiKey: string }>>
    expectTypeOf<Limiter>().not.toExtend<NoClient>()
  })
})

describe('hint', () => {
  it('returns a value for the fetchOptions of a call and of a client', () => {
    expectTypeOf(hint({ priority: 5 })).toExtend<NonNullable<CreateOptions['fetchOptions']>>()
    expectTypeOf({ fetchOptions: hint({ priority: 5 }) }).toExtend<CreateOptions>()
    expectTypeOf({ fetchOptions: hint({}) }).toExtend<NonNullable<ConstructorParameters<typeof OpenAI>[0]>>()
  })

  it('returns a value for the init of fetch', () => {
    expectTypeOf(hint({ priority: 5 })).toExtend<RequestInit>()
  })

  it('accepts only hints', () => {
    expectTypeOf(hint).parameters.toEqualTypeOf<[hints: Hints]>()
    expectTypeOf<{ priority: number }>().toExtend<Hints>()
    expectTypeOf<{ fallback: false }>().toExtend<Hints>()
    expectTypeOf<{ fallback: true }>().not.toExtend<Hints>()
    expectTypeOf<{ priority: string }>().not.toExtend<Hints>()
  })
})

describe('limiter.schedule infers its result from run', () => {
  const request = { model: 'qwen-plus', tokens: 10 }

  it('if run returns a promise, a value or a thenable', () => {
    const schedule = () => ({
      promise: limiter.schedule(request, async () => ({ answer: 42 })),
      value: limiter.schedule(request, () => 'text'),
      thenable: limiter.schedule(request, (): PromiseLike<number[]> => Promise.resolve([1])),
    })
    expectTypeOf(schedule).returns.toEqualTypeOf<{
      promise: Promise<{ answer: number }>
      value: Promise<string>
      thenable: Promise<number[]>
    }>()
  })

  it('if run returns a call of a client', () => {
    const body = { model: 'qwen-plus', messages: [] }
    const schedule = () => limiter.schedule(request, () => openai.chat.completions.create(body))
    expectTypeOf(schedule).returns.resolves.toExtend<OpenAI.ChatCompletion>()
  })

  it('and passes a grant to run', () => {
    expectTypeOf(limiter.schedule<void>)
      .parameter(1)
      .parameter(0)
      .toEqualTypeOf<Grant>()
    expectTypeOf<Grant['model']>().toEqualTypeOf<string>()
    expectTypeOf<Grant['signal']>().toEqualTypeOf<AbortSignal>()
    expectTypeOf<Grant['settle']>().toBeCallableWith({ inputTokens: 1, outputTokens: 2 })
    expectTypeOf<Grant['settle']>().parameters.toEqualTypeOf<[usage: UsageLike]>()
  })

  it('and requires at least a model in the request', () => {
    expectTypeOf<{ model: string }>().toExtend<ScheduleRequest>()
    expectTypeOf<{ model: string; signal: AbortSignal; fallback: false }>().toExtend<ScheduleRequest>()
    expectTypeOf<{ tokens: number }>().not.toExtend<ScheduleRequest>()
    expectTypeOf<{ model: string; priority: string }>().not.toExtend<ScheduleRequest>()
  })
})

describe('limiter.wrap returns a function of the same type', () => {
  const request = { model: 'qwen-plus' }

  it('with the same arguments and result for an asynchronous function', () => {
    const fn = async (text: string, depth?: number) => ({ text, depth })
    expectTypeOf(limiter.wrap(request, fn)).toEqualTypeOf(fn)
    const rest = (first: 'a' | 'b', ...others: number[]): Promise<void> => Promise.resolve(void [first, others])
    expectTypeOf(limiter.wrap(request, rest)).toEqualTypeOf(rest)
  })

  it('with the same type parameters for a generic function', () => {
    const fn = async <T>(value: T): Promise<T[]> => [value]
    const wrapped = limiter.wrap(request, fn)
    expectTypeOf(wrapped<5>).toEqualTypeOf<(value: 5) => Promise<5[]>>()
  })

  it('that is asynchronous for a synchronous function', () => {
    expectTypeOf(limiter.wrap(request, (n: number) => `${n}`)).toEqualTypeOf<(n: number) => Promise<string>>()
  })

  it('if the request is computed from the arguments', () => {
    const fn = async (model: string, text: string) => model + text
    const wrapped = limiter.wrap((model: string, text: string) => ({ model, tokens: text.length }), fn)
    expectTypeOf(wrapped).toEqualTypeOf(fn)
    // @ts-expect-error: the arguments are not a number
    const wrong = () => limiter.wrap((n: number) => ({ model: `${n}` }), fn)
    expectTypeOf(wrong).toBeFunction()
  })
})

describe('limiter.with', () => {
  it('accepts hints, and returns a limiter', () => {
    expectTypeOf(limiter.with).parameters.toEqualTypeOf<[hints: Hints]>()
    expectTypeOf(limiter.with).returns.toEqualTypeOf<Limiter>()
    const wrap = () =>
      limitOpenAI(openai, limiter.with({ tenant: 'web', priority: 5, deadlineMs: 2000, fallback: false }))
    expectTypeOf(wrap).returns.toEqualTypeOf<OpenAI>()
    // @ts-expect-error: it is tenant
    const wrong = () => limiter.with({ tennant: 'web' })
    expectTypeOf(wrong).toBeFunction()
  })
})

describe('an error', () => {
  it('is narrowed by isHeadgateError to the members that all Headgate errors share', () => {
    const read = (error: unknown) => (isHeadgateError(error) ? error.code : null)
    expectTypeOf(read).returns.toEqualTypeOf<HeadgateErrorCode | null | undefined>()
  })

  it('is narrowed by headgateErrorOf to the members of its code', () => {
    const late = (error: unknown) => headgateErrorOf(error, 'deadline_impossible')?.predictedWaitMs
    expectTypeOf(late).returns.toEqualTypeOf<number | undefined>()
    const usedUp = (error: unknown) => headgateErrorOf(error, 'quota_exhausted')?.resetAt
    expectTypeOf(usedUp).returns.toEqualTypeOf<Date | undefined>()
    const any = (error: unknown) => headgateErrorOf(error)?.code
    expectTypeOf(any).returns.toEqualTypeOf<HeadgateErrorCode | undefined>()
  })
})

describe('createLimiter', () => {
  it('accepts no options, and every option is optional', () => {
    expectTypeOf(createLimiter).toBeCallableWith()
    expectTypeOf(createLimiter).toBeCallableWith({})
    expectTypeOf(createLimiter).parameter(0).toEqualTypeOf<LimiterOptions | undefined>()
    expectTypeOf(createLimiter).returns.toEqualTypeOf<Limiter>()
  })

  it('accepts the name of a built-in table, a table or a source as limits', () => {
    expectTypeOf<'model-studio/singapore'>().toExtend<LimiterOptions['limits']>()
    expectTypeOf<'model-studio/international-2025'>().toExtend<LimiterOptions['limits']>()
    expectTypeOf<'model-studio/atlantis'>().not.toExtend<LimiterOptions['limits']>()
    expectTypeOf<LimitsTable>().toExtend<LimiterOptions['limits']>()
    expectTypeOf<LimitsSource>().toExtend<LimiterOptions['limits']>()
    expectTypeOf<{ 'qwen-plus': { rpm: number } }>().toExtend<LimitsTable>()
    expectTypeOf<{ 'qwen-plus': { rpm: string } }>().not.toExtend<LimitsTable>()
  })

  it('accepts the other options with their types', () => {
    expectTypeOf<{ 'qwen-plus': Limits }>().toExtend<LimiterOptions['overrides']>()
    expectTypeOf<{ 'qwen-plus': string[] }>().toExtend<LimiterOptions['fallback']>()
    expectTypeOf<{ 'qwen-plus': string }>().not.toExtend<LimiterOptions['fallback']>()
    expectTypeOf<'azure' | 'model-studio' | 'openai' | Profile>().toExtend<LimiterOptions['profile']>()
    expectTypeOf<'conservative' | 'reject' | 'unlimited'>().toExtend<LimiterOptions['unknownModel']>()
    expectTypeOf<boolean | undefined>().toEqualTypeOf<LimiterOptions['perSecond']>()
    expectTypeOf<Clock>().toExtend<LimiterOptions['clock']>()
    expectTypeOf<Tokenizer>().toExtend<LimiterOptions['tokenizer']>()
    expectTypeOf<Estimator>().toExtend<LimiterOptions['estimator']>()
    expectTypeOf<() => number>().toExtend<LimiterOptions['random']>()
    for (const name of ['maxRetries', 'maxQueue', 'networkJitterMs'] as const) {
      expectTypeOf<LimiterOptions[typeof name]>().toEqualTypeOf<number | undefined>()
    }
  })

  it('rejects an unknown option', () => {
    // @ts-expect-error: it is maxRetries
    const wrong: LimiterOptions = { retries: 3 }
    expectTypeOf(wrong).toEqualTypeOf<LimiterOptions>()
  })
})

describe('a limiter', () => {
  it('has a fetch for any SDK that accepts one', () => {
    expectTypeOf<Limiter['fetch']>().toEqualTypeOf<typeof globalThis.fetch>()
    expectTypeOf({ fetch: limiter.fetch }).toExtend<NonNullable<ConstructorParameters<typeof AzureOpenAI>[0]>>()
  })

  it('passes each listener the type of its event', () => {
    const listen = () =>
      limiter.on('fallback', (event) => expectTypeOf(event).toEqualTypeOf<HeadgateEvents['fallback']>())
    expectTypeOf(listen).returns.toEqualTypeOf<() => void>()
    // @ts-expect-error: the event does not exist
    const listenToNone = () => limiter.on('flood', () => {})
    expectTypeOf(listenToNone).returns.toEqualTypeOf<() => void>()
  })

  it('is disposable, and has close and stats', () => {
    expectTypeOf<Limiter>().toExtend<AsyncDisposable>()
    expectTypeOf(limiter.close).toBeCallableWith({ abandon: true })
    expectTypeOf(limiter.stats).returns.toEqualTypeOf<Stats>()
  })
})
