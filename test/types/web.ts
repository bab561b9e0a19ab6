/** As consumer.ts, for a program without Node: the entry points that need none of its types. */
import { createLimiter, type Limiter } from 'headgate'
import { builtInTables } from 'headgate/limits'
import { ModelStudio } from 'headgate/model-studio'
import { hint } from 'headgate/openai'

export const limiter: Limiter = createLimiter({ limits: builtInTables['model-studio/beijing'] })
export const account = new ModelStudio({ apiKey: 'sk-test', region: 'beijing' })
// @ts-expect-error: `deadlineMs` is a number
export const init: RequestInit = hint({ deadlineMs: 'soon' })
