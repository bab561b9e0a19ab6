import type { Case } from '../case.js'
import { abortCases } from './aborts.js'
import { azureCases } from './azure.js'
import { chatCases } from './chat.js'
import { errorCases } from './errors.js'
import { listCases } from './lists.js'
import { parseCases } from './parse.js'
import { rawResponseCases } from './raw-responses.js'
import { responsesCases } from './responses.js'
import { settingsCases } from './settings.js'
import { streamCases } from './stream.js'
import { toolCases } from './tools.js'

/** What is done with `openai`, in each of its versions. */
export const openaiCases: readonly Case[] = [
  ...chatCases,
  ...streamCases,
  ...parseCases,
  ...toolCases,
  ...responsesCases,
  ...listCases,
  ...rawResponseCases,
  ...abortCases,
  ...settingsCases,
  ...azureCases,
  ...errorCases,
]

export { aiCases } from './ai.js'
export { langchainCases } from './langchain.js'
