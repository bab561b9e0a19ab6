import type { Exchange } from '../exchange.js'
import type { Fault } from '../faults/faults.js'
import { drawnPace } from './generation.js'
import type { Settings } from '../settings/settings.js'
import { sendPlain } from './send-plain.js'
import { hashOf, Random } from '../random.js'
import { textsToEmbed } from '../requests/input-tokens.js'
import type { SimulatedRequest } from '../requests/request.js'

/**
 * Sends one vector of length 1 for each text. A text always gets the same vector, whichever texts the request also has.
 */
export function answerEmbeddings(
  exchange: Exchange,
  request: SimulatedRequest,
  settings: Settings,
  fault: Fault | undefined,
): void {
  const { firstTokenMs } = drawnPace(settings.latency, exchange.random)
  exchange.after(firstTokenMs + (fault?.delayMs ?? 0), () => {
    const reportsUsage = fault === undefined || !('noUsage' in fault)
    sendPlain(exchange, embeddingsBody(request, settings, reportsUsage), fault)
  })
}

/** The body of an embeddings response. Without `reportsUsage` it has no usage. */
export function embeddingsBody(request: SimulatedRequest, settings: Settings, reportsUsage = true): string {
  const { body, model, inputTokens, id } = request
  const encoded = body['encoding_format'] === 'base64'
  const dimensions = dimensionsOf(request) ?? settings.embeddingDimensions
  const data = textsToEmbed(body).map((text, index) => {
    const vector = vectorOf(text, dimensions, settings.seed)
    return { object: 'embedding', index, embedding: encoded ? base64Of(vector) : [...vector] }
  })
  const usage = { prompt_tokens: inputTokens, total_tokens: inputTokens }
  return JSON.stringify({ data, model, object: 'list', usage: reportsUsage ? usage : undefined, id })
}

/** The vector length that the request asks for, if it names one. */
function dimensionsOf({ body }: SimulatedRequest): number | undefined {
  const dimensions = body['dimensions']
  return typeof dimensions === 'number' ? dimensions : undefined
}

function vectorOf(text: string, dimensions: number, seed: number): Float32Array {
  const random = new Random(seed, hashOf(text))
  const vector = new Float32Array(dimensions)
  let squares = 0
  for (let i = 0; i < dimensions; i += 1) {
    const value = random.unit() - 0.5
    vector[i] = value
    squares += value * value
  }
  const length = Math.sqrt(squares)
  return vector.map((value) => value / length)
}

function base64Of(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
}
