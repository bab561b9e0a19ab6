import { Option } from 'commander'
import { runBatchFile, type RunBegin } from '../../batch/run/run-batch-file.js'
import { serviceOf } from '../../batch/run/run-batch.js'
import { MAX_CONCURRENCY } from '../../batch/run/line-runner.js'
import { faultIn } from '../../batch/file/batch-record.js'
import { FaultList } from '../../batch/file/fault-list.js'
import { FileError, fileErrorOf } from '../../batch/file/file-error.js'
import type { Sink } from '../../batch/file/output-file.js'
import { checkInput } from '../../batch/run/resume-output.js'
import { dryRunViaBatchApi, isViaBatchApi, runViaBatchApi } from './via-batch-api.js'
import type { AddCommand } from '../add-command.js'
import { dryRun } from './dry-run.js'
import { EXIT, UsageError } from '../exit-codes.js'
import { FailureReasons } from './failure-reasons.js'
import { JITTER_HELP, planTables } from '../plan/plan-options.js'
import { faultsText } from '../plan/planned-input.js'
import { Progress } from './progress.js'
import { apiKeyOf, DEFAULT_BASE_URL, limiterOf, listOf, timesOf, type RunFlags } from './run-options.js'
import { StatusKeeper } from './run-status.js'
import { beginText, exitCodeOfRun, stopText, tableOf } from './run-summary.js'
import type { Terminal } from '../terminal/terminal.js'
import { callAt, moment, waitUntil } from './moment.js'
import { someNumber, wholeNumber } from '../option-values.js'

const HELP = `
A line of input is { "custom_id", "method": "POST", "url": "/v1/chat/completions", "body" }, as for the Batch API, or
{ "prompt" } or { "messages" } with --model. A line of output is { "id", "custom_id", "response", "error" }, in the order in
which they finish. - is the standard input or output; files that end in .gz are compressed.

A run that was stopped or killed goes on by the same command. Exit codes: 0 all done, 1 some lines failed, 2 wrong use,
3 stopped by a quota that is used up, 4 failure with a file, 130 interrupted; after 3, 4 and 130 it can be resumed. Where the
service answers no line any more, the run stops with 1; with --retry-errors it goes on.

--via batch-api sends the lines by the Batch API, at half price, outside the limits and within a day or as --completion-window
says. Its batches go on at the service when the run is interrupted or killed; the same command waits for them again. Lines that
have no answer in the end are submitted by the next run.

Examples:
  headgate run in.jsonl -o out.jsonl
  headgate run prompts.jsonl -o out.jsonl --model qwen-plus --fallback qwen-plus-latest,qwen-flash
  headgate run in.jsonl -o out.jsonl --retry-errors
  headgate run in.jsonl.gz -o out.jsonl.gz --start-at 22:00 --until 06:00
  headgate run in.jsonl -o out.jsonl --via batch-api
`

/** `headgate run`: sends the lines of a file at the full quota. */
export const addRun: AddCommand = (program, terminal, finish) => {
  program
    .command('run')
    .description('send the requests of a JSONL file at the full quota, and write the answers as they come')
    .argument('<input>', 'the file of requests; - is the standard input')
    .requiredOption('-o, --output <file>', 'where the answers go; - is the standard output')
    .option('--errors <file>', 'where lines that fail go; without it, to the output')
    .option('--model <name>', 'the model of lines that name none')
    .option('--base-url <url>', 'the service', DEFAULT_BASE_URL)
    .option('--api-key-env <name>', 'the variable of the environment that holds the API key')
    .option('--limits <name|file>', 'the limits: the name of a built-in table, or a JSON file')
    .option('--prices <file>', 'pay-as-you-go prices, a JSON file')
    .option('--rpm <number>', 'requests a minute, of each model', wholeNumber(1))
    .option('--tpm <number>', 'tokens a minute, of each model', wholeNumber(1))
    .option('--fallback <models>', 'the backups, in the order in which they are tried: A,B', listOf)
    .option(
      '--concurrency <number>',
      `how many lines are on their way at once (default: 256, more where the quota needs it, up to ${MAX_CONCURRENCY})`,
      wholeNumber(1),
    )
    .option('--max-attempts <number>', 'how often a line is sent at most', wholeNumber(1), 5)
    .option('--timeout <seconds>', 'how long an answer may take', wholeNumber(1, 86_400), 300)
    .option(
      '--ramp-up <seconds>',
      'begin at half speed for so long, which no detector of surges refuses (default: 45 for Model Studio, else 0)',
      wholeNumber(0, 3600),
    )
    .option('--network-jitter-ms <ms>', JITTER_HELP, someNumber(0))
    .option('--tenant <name>', 'whose requests these are')
    .option('--retry-errors', 'do lines again that failed before')
    .option('--strict', 'send nothing if any line cannot be sent')
    .option('--dry-run', 'say what would be sent, and send and write nothing')
    .option('--start-at <time>', 'begin then: 22:30, or 2026-09-19T22:30', moment)
    .option('--until <time>', 'take no new lines from then on', moment)
    .addOption(new Option('--via <route>', 'how lines are sent').choices(['live', 'batch-api']).default('live'))
    .option(
      '--completion-window <time>',
      'with --via batch-api, how long the service may take: 24h to 336h (default: 24h)',
    )
    .option('--cancel', 'with --via batch-api, cancel the batches that are under way, and keep what they have answered')
    .option('--quiet', 'print errors only')
    .option('--json', 'print progress and the result as lines of JSON')
    .addHelpText('after', HELP)
    .action(async (input: string, flags: RunFlags) => {
      const isBatch = isViaBatchApi(flags)
      if (flags.dryRun === true) return finish(await (isBatch ? dryRunViaBatchApi : dryRun)(input, flags, terminal))
      finish(await (isBatch ? runViaBatchApi : run)(input, flags, terminal))
    })
}

async function run(input: string, flags: RunFlags, terminal: Terminal): Promise<number> {
  const { startAt, until } = timesOf(flags, new Date())
  const apiKey = apiKeyOf(flags, terminal.env)
  const { limiter, onModel, ramp, isRamping, stop: stopRamps } = await limiterOf(flags)
  const { prices } = await planTables(flags)
  let isInterrupted = false
  const interrupted = terminal.interrupted().then(() => (isInterrupted = true))
  const output = flags.output === '-' ? pipeOf(terminal) : flags.output
  if (startAt !== undefined) {
    // What is wrong is said now, not at night to nobody.
    serviceOf({ limiter, baseURL: flags.baseUrl, apiKey })
    if (input !== '-') await checkInput({ ...flags, input, output })
    if (flags.quiet !== true) terminal.err(`Begins at ${startAt.toISOString()}.\n`)
    await Promise.race([waitUntil(startAt, interrupted), interrupted])
    if (isInterrupted) return EXIT.interrupted
  }
  const { concurrency } = flags
  const maxInFlight = concurrency ?? MAX_CONCURRENCY
  const keeper = new StatusKeeper({ prices, concurrency: maxInFlight, now: performance.now(), ramp, isRamping })
  // Node loads its fetch at the first call; a first request that is late by that would be followed too closely.
  await fetch('data:,')
  const source = input === '-' ? terminal.input() : input
  let begin: RunBegin | undefined
  const faults = new FaultList()
  const failures = new FailureReasons()
  const fileRun = runBatchFile({
    input: source,
    output,
    errors: flags.errors,
    retryErrors: flags.retryErrors,
    strict: flags.strict,
    limiter,
    onModel(model) {
      keeper.began(performance.now())
      onModel(model)
    },
    baseURL: flags.baseUrl,
    apiKey,
    model: flags.model,
    concurrency,
    maxAttempts: flags.maxAttempts,
    timeoutMs: (flags.timeout ?? 300) * 1000,
    tenant: flags.tenant,
    onBegin(known) {
      begin = known
      if (flags.quiet !== true && flags.json !== true) terminal.err(beginText(known))
      progress.begin()
    },
    onResult({ model, usage, record: { error } }) {
      keeper.answered(model, usage)
      if (error === null) return
      const fault = faultIn(error)
      if (fault === undefined) failures.add(error)
      else faults.add(fault)
    },
  })
  const status = () => keeper.status(fileRun.counts, limiter.stats({ lastMs: 60_000 }), performance.now())
  const progress = new Progress({ terminal, json: flags.json === true, quiet: flags.quiet === true, status })
  limiter.on('throttled', () => keeper.throttled())
  limiter.on('warning', ({ message }) => progress.say(`headgate: ${message}`))
  void interrupted.then(() => {
    if (flags.quiet !== true) progress.say('Interrupted: what is in flight is finished. Once more stops at once.')
    fileRun.stop()
  })
  const forget = until === undefined ? undefined : callAt(until, () => fileRun.stop())
  try {
    const summary = await fileRun.summary
    progress.end()
    const last = status()
    const text = stopText(summary, isInterrupted, begin?.canResume === true)
    if (flags.json === true) {
      const line = `${JSON.stringify({ summary, status: last, resumable: begin?.canResume })}\n`
      if (flags.output === '-') terminal.err(line)
      else terminal.out(line)
    } else if (flags.quiet !== true) terminal.err(`${faultsText(faults)}${failures.text}${tableOf(summary, last)}`)
    if (text !== undefined) terminal.err(`headgate: ${text}\n`)
    return exitCodeOfRun(summary)
  } finally {
    progress.end()
    forget?.()
    stopRamps()
    if (typeof source !== 'string') source.destroy()
    await limiter.close({ abandon: true })
  }
}

/** The standard output, that takes lines as fast as they are read. */
function pipeOf(terminal: Terminal): Sink {
  return {
    async append(line) {
      try {
        await terminal.pipe(`${line}\n`)
      } catch (error) {
        const failure = fileErrorOf(error, 'the standard output', 'written')
        throw failure instanceof FileError ? failure : new UsageError(String(failure))
      }
    },
    close: async () => {},
  }
}
