/**
 * Loaded before every program and command that the pages show: they speak to real services, and here a simulator on this machine answers.
 *
 * HEADGATE_DOCS_SERVICE is the simulator's address. With HEADGATE_DOCS_FAST_POLLS, a wait of just a minute, as between two looks at a batch, is short.
 */
import { Server } from 'node:net'

const service = process.env.HEADGATE_DOCS_SERVICE
/** Ports that the pages name, and that may be in use here. */
const NAMED_PORTS = new Set(['3000', '8080'])

const send = globalThis.fetch
globalThis.fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input)
  if (!isElsewhere(url)) return send(input, init)
  // Azure names the deployment in the path, and its client in the body too.
  const path = url.pathname.replace(/^\/openai\/deployments\/[^/]+/, '/v1')
  const target = new URL(path + url.search, service)
  return send(input instanceof Request ? new Request(target, input) : target, init)
}

function isElsewhere({ protocol, hostname, port }) {
  if (protocol !== 'http:' && protocol !== 'https:') return false
  return hostname !== '127.0.0.1' || NAMED_PORTS.has(port)
}

const { listen } = Server.prototype
/** The servers that listen on a port that a page names. */
globalThis.namedServers = []
Server.prototype.listen = function (port, ...rest) {
  if (!NAMED_PORTS.has(String(port))) return listen.call(this, port, ...rest)
  globalThis.namedServers.push(this)
  return listen.call(this, 0, ...rest)
}

if (process.env.HEADGATE_DOCS_FAST_POLLS !== undefined) {
  const { setTimeout } = globalThis
  globalThis.setTimeout = (callback, ms, ...rest) => setTimeout(callback, ms === 60_000 ? 20 : ms, ...rest)
}
