/** The same as consumer.ts for a program without Node: it uses the entry points that need no types of Node. */
import { createLimiter, type Limiter } from 'headgate'
import { builtInTables } from 'headgate/limits'
import { ModelStudio } from 'headgate/model-studio'
import { hint } from 'headgate/openai'

export const limiter: Limiter = createLimiter({ limits: builtInTables['model-studio/beijing'] })
export const account = new ModelStudio({ apiKey: 'sk-test', region: 'beijing' })
// @ts-expect-error: `deadlineMs` is a number
export const init: RequestInit = hint({ deadlineMs: 'soon' })
