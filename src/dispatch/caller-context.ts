/** What a runtime with asynchronous contexts keeps of the one that it was made in. */
export interface Context {
  runInAsyncScope<R>(run: (given: never) => R, self: undefined, given: unknown): R
}

interface Hooks {
  readonly AsyncResource?: new (type: string, options: { requireManualDestroy: true }) => Context
}

/** Where the runtime has such contexts. Asked for by name, because the core imports nothing. */
function hooksOfRuntime(): Hooks | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } }
  return process?.getBuiltinModule?.('node:async_hooks') as Hooks | undefined
}

const Resource = hooksOfRuntime()?.AsyncResource

/** Nothing has to be destroyed: without that its making would cost more than all else of a job that waits. */
const OPTIONS = { requireManualDestroy: true } as const

/**
 * The context of now: what waits is started by a timer or by another request's end, and would else see that one's
 * `AsyncLocalStorage`, its trace or its user, in place of its own caller's. Undefined where the runtime has none.
 */
export function contextOfCaller(): Context | undefined {
  return Resource && new Resource('headgate.job', OPTIONS)
}
