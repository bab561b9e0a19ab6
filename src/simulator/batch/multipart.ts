/** One field of a form: a text or a file. */
export interface FormPart {
  readonly name: string
  readonly filename: string | undefined
  readonly content: Buffer
}

const HEADERS_END = Buffer.from('\r\n\r\n')

/** The parts of a `multipart/form-data` body (RFC 7578). Undefined for a body that is malformed or has another type. */
export function parseMultipart(contentType: string | undefined, body: Buffer): FormPart[] | undefined {
  const match = /^multipart\/form-data\s*;.*?boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType ?? '')
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) return undefined
  // Text before the first delimiter is ignored. Every later delimiter follows a line break.
  const delimiter = Buffer.from(`--${boundary}`)
  const parts: FormPart[] = []
  let at = body.indexOf(delimiter)
  while (at !== -1) {
    const start = at + delimiter.length
    if (body.subarray(start, start + 2).toString() === '--') return parts
    const end = body.indexOf(`\r\n--${boundary}`, start)
    const headersEnd = body.indexOf(HEADERS_END, start)
    if (end === -1 || headersEnd === -1 || headersEnd > end) return undefined
    const headers = body.subarray(start, headersEnd).toString()
    const name = parameterOf(headers, 'name')
    if (name === undefined) return undefined
    const content = body.subarray(headersEnd + HEADERS_END.length, end)
    parts.push({ name, filename: parameterOf(headers, 'filename'), content })
    at = end + 2
  }
  return undefined
}

/** A quoted parameter of a part's `content-disposition` header. */
function parameterOf(headers: string, name: string): string | undefined {
  return new RegExp(`^content-disposition:.*[;\\s]${name}="([^"]*)"`, 'im').exec(headers)?.[1]
}
