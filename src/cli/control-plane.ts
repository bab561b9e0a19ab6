import { Option, type Command } from 'commander'
import { regions } from '../model-studio/http/base-url.js'
import { ModelStudio } from '../model-studio/index.js'
import type { Region } from '../model-studio/index.js'
import { EXIT, UsageError } from './exit-codes.js'
import type { Terminal } from './terminal/terminal.js'

const KEY_VARIABLE = 'DASHSCOPE_API_KEY'

/** The options of every command that calls the control plane. */
export interface ControlPlaneFlags {
  readonly apiKeyEnv: string
  readonly baseUrl?: string
  readonly region?: Region
  readonly workspace?: string
  readonly json?: true
}

export function addControlPlaneOptions(command: Command): Command {
  return command
    .option('--api-key-env <name>', 'the environment variable that holds the API key', KEY_VARIABLE)
    .option('--base-url <url>', 'where the API is, in place of --region')
    .addOption(new Option('--region <name>', 'where the account is (default: singapore)').choices(regions))
    .option('--workspace <id>', "the workspace that is asked for; without it, the key's own")
    .option('--json', 'print one line of JSON in place of text')
}

/** Runs `work` with a control plane client until it ends or is interrupted. Resolves to the exit code. */
export async function withControlPlane(
  terminal: Terminal,
  { apiKeyEnv, baseUrl, region, workspace }: ControlPlaneFlags,
  work: (studio: ModelStudio, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const { clock } = terminal
  const studio = new ModelStudio({ apiKey: keyIn(apiKeyEnv), baseURL: baseUrl, region, workspace, clock })
  const controller = new AbortController()
  void terminal.interrupted().then(() => controller.abort())
  try {
    return await work(studio, controller.signal)
  } catch (error) {
    if (error !== controller.signal.reason) throw error
    terminal.err('headgate: interrupted\n')
    return EXIT.interrupted
  }
}

function keyIn(variable: string): string {
  const key = process.env[variable]
  if (key !== undefined && key !== '') return key
  // The user may have passed the key itself by mistake. It must not be printed.
  const name = /^[A-Z][A-Z0-9_]*$/.test(variable) ? variable : 'that --api-key-env names'
  throw new UsageError(
    `the environment variable ${name} is not set: put the API key into it, or name another one with --api-key-env`,
  )
}
