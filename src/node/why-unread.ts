/** Why a file could not be read, in words that follow its name; `kind` is what should have been given in place of a directory. */
export function whyUnread(cause: unknown, kind: 'file' | 'JSON file'): string {
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === 'ENOENT') return `does not exist (the working directory is ${process.cwd()})`
  if (code === 'EISDIR') return `is a directory: give the path of a ${kind}`
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read: check its permissions'
  return `cannot be read: ${message}`
}
