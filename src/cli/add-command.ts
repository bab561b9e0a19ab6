import type { Command } from 'commander'
import type { Terminal } from './terminal/terminal.js'

/** Adds one command to the program; its action gives the exit code to `finish`. */
export type AddCommand = (program: Command, terminal: Terminal, finish: (code: number) => void) => void
