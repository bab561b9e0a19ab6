#!/usr/bin/env node
import { EXIT } from './exit-codes.js'
import { keepHeapSmall } from './heap.js'
import { runCli } from './program.js'
import { outliveReaders, processTerminal } from './terminal.js'

keepHeapSmall()
outliveReaders([process.stdout, process.stderr], (message) => {
  processTerminal.err(message)
  process.exit(EXIT.fileTrouble)
})
process.exitCode = await runCli(process.argv.slice(2), processTerminal)
