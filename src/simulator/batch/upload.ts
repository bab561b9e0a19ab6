/** The fields `file` and `purpose` of an upload form. */
export interface Upload {
  readonly file: UploadedFile | undefined
  /** Empty if the form has no purpose. */
  readonly purpose: string
}

export interface UploadedFile {
  readonly content: Buffer
  /** Undefined if the form has the file as a plain field. */
  readonly filename: string | undefined
}

/**
 * The upload in a `multipart/form-data` body (RFC 7578). Undefined for a body that is malformed or has another type.
 */
export async function readUpload(contentType: string | undefined, body: Buffer): Promise<Upload | undefined> {
  const form = await formIn(contentType ?? '', body)
  if (form === undefined) return undefined
  const [file, purpose] = [form.get('file'), form.get('purpose')]
  return {
    file: file === null ? undefined : await contentOf(file),
    purpose: purpose === null ? '' : (await contentOf(purpose)).content.toString(),
  }
}

async function formIn(contentType: string, body: Buffer): Promise<FormData | undefined> {
  // `formData` also reads urlencoded forms, but they cannot contain a file.
  if (!/^multipart\/form-data\s*;/i.test(contentType)) return undefined
  try {
    return await new Response(body as Uint8Array<ArrayBuffer>, { headers: { 'content-type': contentType } }).formData()
  } catch {
    return undefined
  }
}

async function contentOf(field: File | string): Promise<UploadedFile> {
  if (typeof field === 'string') return { content: Buffer.from(field), filename: undefined }
  return { content: Buffer.from(await field.arrayBuffer()), filename: field.name }
}
