/** A JavaScript runtime in which the built package is tried. */
export interface Runtime {
  readonly name: string
  /** Starts it with the bundled worker (a path) on a free loopback port. Its package is installed by then. */
  start(worker: string): Promise<RunningRuntime>
}

export interface RunningRuntime {
  readonly url: string
  /** What it wrote to its standard error, each line once. */
  complaints(): readonly string[]
  /** Resolves when its process has ended. */
  stop(): Promise<void>
}

/** What the `runtime.ts` of a case's folder exports. */
export interface RuntimeModule {
  /** `folder`: the case's folder, with its package.json. */
  runtimes(folder: string): readonly Runtime[]
}
