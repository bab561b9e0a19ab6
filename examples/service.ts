import { parseArgs } from 'node:util'
import { builtInTables } from 'headgate/limits'
import { startSimulator, type SimulatorOptions } from 'headgate/simulator'

/** The service that an example calls: the real one, or a simulator on this machine. */
export interface Service extends AsyncDisposable {
  readonly baseURL: string
  readonly apiKey: string
  readonly isLive: boolean
}

export const MODEL = 'qwen-plus'

/**
 * Starts the simulator with the limits of the 2025 table. With `isLive` it returns the real service instead: the key is
 * in DASHSCOPE_API_KEY, the base URL in DASHSCOPE_BASE_URL (default: Singapore).
 */
export async function openService(isLive: boolean, options: SimulatorOptions = {}): Promise<Service> {
  if (isLive) {
    const apiKey = process.env['DASHSCOPE_API_KEY']
    if (!apiKey) throw new Error('--live needs a Model Studio API key in the environment variable DASHSCOPE_API_KEY')
    const baseURL = process.env['DASHSCOPE_BASE_URL'] ?? 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1'
    return { baseURL, apiKey, isLive, [Symbol.asyncDispose]: async () => {} }
  }
  const limits = builtInTables['model-studio/international-2025']
  const simulator = await startSimulator({ limits, latency: { firstTokenMs: 150, perTokenMs: 0.5 }, ...options })
  return { baseURL: simulator.url, apiKey: 'simulated', isLive, [Symbol.asyncDispose]: () => simulator.close() }
}

/** The flags of all examples. With `--help` it prints `help` and exits. */
export function flags(help: string): { live: boolean; json: boolean } {
  const { values } = parseArgs({
    options: { live: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help === true) {
    console.log(help)
    process.exit(0)
  }
  return { live: values.live === true, json: values.json === true }
}
