#!/usr/bin/env node
import { EXIT } from './exit-codes.js'
import { keepHeapSmall } from './run/keep-heap-small.js'
import { runCli } from './program.js'
import { ignoreBrokenPipe, processTerminal } from './terminal/terminal.js'

keepHeapSmall()
ignoreBrokenPipe([process.stdout, process.stderr], (message) => {
  processTerminal.err(message)
  process.exit(EXIT.fileError)
})
process.exitCode = await runCli(process.argv.slice(2), processTerminal)
