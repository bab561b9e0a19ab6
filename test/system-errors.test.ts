import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { errorCode, fileReason, isSystemError } from '../src/system-errors.js'

const coded = (code: string) => Object.assign(new Error(`${code}: as the system says`), { code, syscall: 'open' })
const thrown = (path: string) =>
  readFile(path).then(
    () => expect.unreachable(),
    (error: unknown) => error,
  )

describe('isSystemError', () => {
  test('is true of what the system refuses, and of nothing else', async () => {
    expect(isSystemError(await thrown('./nowhere'))).toBe(true)
    expect(isSystemError(await thrown(undefined as unknown as string))).toBe(false)
    for (const other of [new Error('mine'), { syscall: 'open' }, undefined, null, 'ENOENT']) {
      expect(isSystemError(other)).toBe(false)
    }
  })
})

describe('errorCode', () => {
  test('is a code in words, or nothing', async () => {
    expect(errorCode(await thrown('./nowhere'))).toBe('ENOENT')
    expect(errorCode(coded('Z_DATA_ERROR'))).toBe('Z_DATA_ERROR')
    // A DOMException has a number.
    for (const other of [new DOMException('stop', 'AbortError'), new Error('mine'), undefined, null, 'ENOENT']) {
      expect(errorCode(other)).toBeUndefined()
    }
  })
})

describe('fileReason', () => {
  test('says what a directory was given in place of', async () => {
    const error = await thrown(tmpdir())
    expect(fileReason(error, 'read')).toBe('is a directory: give the path of a file')
    expect(fileReason(error, 'read', { kind: 'JSON file' })).toBe('is a directory: give the path of a JSON file')
  })

  test('says where a file was looked for that does not exist, if that is given', () => {
    expect(fileReason(coded('ENOENT'), 'read')).toBe('does not exist')
    expect(fileReason(coded('ENOENT'), 'read', { workingDirectory: '/home' })).toBe(
      'does not exist (the working directory is /home)',
    )
  })

  test.each([
    ['ENOENT', 'written', 'cannot be written: its folder does not exist'],
    ['EACCES', 'read', 'may not be read: check its permissions'],
    ['EPERM', 'written', 'may not be written: check its permissions'],
    ['EROFS', 'written', 'cannot be written: the file system is read-only'],
    ['ENOSPC', 'written', 'cannot be written: the disk is full'],
    ['EDQUOT', 'written', 'cannot be written: the disk is full'],
    ['EFBIG', 'written', 'cannot be written: it would be larger than files may be here'],
    ['EPIPE', 'written', 'cannot be written: nobody reads it any more'],
    ['Z_DATA_ERROR', 'read', 'is not in the gzip format, or damaged'],
    ['Z_BUF_ERROR', 'read', 'breaks off in the middle: the gzip file is not whole'],
    ['EIO', 'read', 'cannot be read: EIO: as the system says'],
    ['EIO', 'written', 'cannot be written: EIO: as the system says'],
    ['ENOSPC', 'read', 'cannot be read: ENOSPC: as the system says'],
  ] as const)('says of %s for a file that is %s: %s', (code, doing, expected) => {
    expect(fileReason(coded(code), doing)).toBe(expected)
  })

  test('says the message of an error without a code', () => {
    expect(fileReason(new Error('no idea'), 'read')).toBe('cannot be read: no idea')
  })
})
