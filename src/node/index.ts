/** Functions that require Node, because they read files. */
export { loadLimits } from './load-limits.js'
