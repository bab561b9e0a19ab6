import { azure } from './azure.js'
import type { Dialect, ServiceName } from './dialect.js'
import { modelStudio } from './model-studio.js'
import { openai } from './openai.js'

/** The error bodies of each service. */
export const dialects: Readonly<Record<ServiceName, Dialect>> = { 'model-studio': modelStudio, openai, azure }
