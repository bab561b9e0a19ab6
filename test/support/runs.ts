/** Every run of the tests makes the same cases. `PROPERTY_SEED` asks for other ones. */
export const SEED = Number(process.env['PROPERTY_SEED'] ?? 20_260_401)

/** The options of a property: a number of cases and the seed. `PROPERTY_PATH`, as a failure prints it, replays one case. */
export function runs(numRuns = 100): { numRuns: number; seed: number; path?: string; endOnFailure?: boolean } {
  const path = process.env['PROPERTY_PATH']
  return path === undefined ? { numRuns, seed: SEED } : { numRuns, seed: SEED, path, endOnFailure: true }
}
