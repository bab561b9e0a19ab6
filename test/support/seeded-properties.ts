import { configureGlobal } from 'fast-check'
import { SEED } from './runs.js'

// For a property that is asserted without `runs()`.
configureGlobal({ seed: SEED })
