import { awsAdaptive } from './aws-adaptive.js'
import { bottleneck } from './bottleneck.js'
import type { ClientKind } from './client.js'
import { cookbook } from './cookbook.js'
import { headgate } from './headgate.js'
import { limiter } from './limiter.js'
import { openai } from './openai.js'
import { pQueue } from './p-queue.js'

export const clients: readonly ClientKind[] = [headgate, openai, pQueue, bottleneck, limiter, cookbook, awsAdaptive]
