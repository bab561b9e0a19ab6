/** A line of a batch file, with its line break. */
export function lineOf(id: string, model = 'qwen-plus', url = '/v1/chat/completions'): string {
  const input = url === '/v1/embeddings' ? { input: id } : { messages: [{ role: 'user', content: id }], max_tokens: 3 }
  return `${JSON.stringify({ custom_id: id, method: 'POST', url, body: { model, ...input } })}\n`
}

/** Lines with the ids `id-0`, `id-1`, … */
export function lines(count: number): string {
  return Array.from({ length: count }, (_, i) => lineOf(`id-${i}`)).join('')
}
