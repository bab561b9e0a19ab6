/** Runs the programs of a page one after another, asks each server that they began once, and ends. Its arguments are their paths. */
import { once } from 'node:events'

for (const path of process.argv.slice(2)) await import(path)
for (const server of globalThis.namedServers) {
  if (!server.listening) await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${server.address().port}/`)
  const text = await response.text()
  if (!response.ok || text === '') throw new Error(`A server of the page answered ${response.status}: ${text}`)
}
process.exit(0)
