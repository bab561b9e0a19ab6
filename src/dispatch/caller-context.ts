/** The asynchronous context that a request came from, as the runtime keeps it. */
export interface CallerContext {
  runInAsyncScope<R>(run: (given: never) => R, self: undefined, given: unknown): R
}

interface Hooks {
  readonly AsyncResource?: new (type: string, options: { requireManualDestroy: true }) => CallerContext
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
 * The context of now. A timer or another request's end starts a request that waits; without this the request would see that
 * one's `AsyncLocalStorage`, its trace or its user, in place of its own caller's. Undefined where the runtime has no contexts.
 */
export function callerContext(): CallerContext | undefined {
  return Resource && new Resource('headgate.job', OPTIONS)
}
