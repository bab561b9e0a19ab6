/** Whether this is `npm run test:long`, which runs the files that import this module and those named `*.long.test.ts`. */
export const isLong = process.env['HEADGATE_LONG'] === '1'

/** How many: `short` in `npm test`, `long` in `npm run test:long`. */
export function cases(short: number, long: number): number {
  return isLong ? long : short
}
