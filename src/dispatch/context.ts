type Bind = (run: (...given: never[]) => unknown) => (...given: never[]) => unknown

/** Where the runtime has asynchronous contexts. Asked for by name, because the core imports nothing. */
function bindOfRuntime(): Bind | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } }
  const hooks = process?.getBuiltinModule?.('node:async_hooks') as { AsyncResource?: { bind?: Bind } } | undefined
  const resource = hooks?.AsyncResource
  return resource?.bind && ((run) => resource.bind!(run))
}

const bind = bindOfRuntime()

/**
 * `run` as it would run now: what waits is started by a timer or by another request's end, and would else see that one's
 * `AsyncLocalStorage`, its trace or its user, in place of its own caller's.
 */
export function inCallersContext<F extends (...given: never[]) => unknown>(run: F): F {
  return bind === undefined ? run : (bind(run) as F)
}
