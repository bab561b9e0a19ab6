/** What needs Node: files. */
export { loadLimits } from './load-limits.js'
