import type { MultipartFile, MultipartValue } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { contentTypeSchema } from '../../../contracts/artifacts.ts';
import { CynodeError } from '../../../contracts/errors.ts';
import { baseName, isFileName } from '../../../contracts/file-names.ts';
import { TASK_LIMITS } from '../../../contracts/tasks.ts';
import type { BlobRef, BlobStore } from '../../../platform/blobs/blob-store.ts';
import { faultOf } from '../../../platform/http/json.ts';

/** An attachment whose content is in the blob store. */
export interface UploadedFile extends BlobRef {
  readonly name: string;
  readonly contentType: string;
}

export interface MultipartTask {
  /** Members as a JSON body would have them; still to be validated. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly files: readonly UploadedFile[];
}

/** Name of the parts that are files. */
const FILES_FIELD = 'attachments';
const MAX_FIELDS = 32;
const DEFAULT_CONTENT_TYPE = 'application/octet-stream';

/**
 * Reads a multipart task: fields into members, files into the blob store as they come, one after the other. Files of a
 * request that fails later stay in the store without a name; they are never shown.
 * @throws CynodeError `validation` · what the store throws
 */
export async function readMultipart(
  request: FastifyRequest,
  blobs: BlobStore,
  maxFieldBytes: number,
): Promise<MultipartTask> {
  try {
    return await readParts(request, blobs, maxFieldBytes);
  } catch (error) {
    // The rest is read and thrown away, so that a client that still writes gets to see the reply.
    request.raw.unpipe();
    request.raw.resume();
    throw toValidation(error);
  }
}

async function readParts(
  request: FastifyRequest,
  blobs: BlobStore,
  maxFieldBytes: number,
): Promise<MultipartTask> {
  const fields = new Fields(maxFieldBytes);
  const files: UploadedFile[] = [];
  const limits = {
    files: TASK_LIMITS.attachments,
    // One more, so that a file that is cut off is told from one that just fits.
    fileSize: TASK_LIMITS.attachmentBytes + 1,
    fields: MAX_FIELDS,
    fieldSize: maxFieldBytes,
  };
  for await (const part of request.parts({ limits })) {
    if (part.type === 'field') fields.add(part);
    else files.push(await storeFile(part, files, blobs));
  }
  return { fields: fields.members, files };
}

/** Fields as members, bounded together as a JSON body is. */
class Fields {
  readonly members: Record<string, unknown> = {};
  readonly #maxBytes: number;
  #sizeBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add({ fieldname: name, value, valueTruncated }: MultipartValue): void {
    this.#sizeBytes += typeof value === 'string' ? Buffer.byteLength(value) : 0;
    if (valueTruncated === true || this.#sizeBytes > this.#maxBytes) {
      throw new CynodeError('validation', 'Invalid request body: too large');
    }
    const fault = faultOf(value);
    if (fault !== null) throw new CynodeError('validation', `Invalid request body: ${fault}`);
    const member = typeof value === 'string' ? toMember(name, value) : value;
    if (name === FILES_FIELD) this.#addPaths(member);
    else if (Object.hasOwn(this.members, name)) throw new CynodeError('validation', `${name}: given twice`);
    else this.members[name] = member;
  }

  #addPaths(member: unknown): void {
    const before: unknown = this.members[FILES_FIELD];
    const list = Array.isArray(before) ? before.map((path: unknown) => path) : [];
    this.members[FILES_FIELD] = list.concat(member);
  }
}

const FLAGS: Readonly<Record<string, boolean>> = { true: true, false: false };

/** A form has only texts; what is not one in JSON is read as JSON would have it, and else left to the schema to refuse. */
function toMember(name: string, text: string): unknown {
  if (name === 'use_inference' || name === 'use_sba') return FLAGS[text] ?? text;
  if (name === 'timeout_seconds') return /^\d{1,9}$/.test(text) ? Number(text) : text;
  return text;
}

async function storeFile(
  part: MultipartFile,
  before: readonly UploadedFile[],
  blobs: BlobStore,
): Promise<UploadedFile> {
  const name = checkedName(part, before);
  try {
    const blob = await blobs.put(part.file, TASK_LIMITS.attachmentBytes);
    return { name, contentType: contentTypeOf(part.mimetype), ...blob };
  } catch (error) {
    if (!(error instanceof CynodeError) || error.code !== 'payload_too_large') throw error;
    throw new CynodeError(
      'validation',
      `attachments: ${name} is larger than ${TASK_LIMITS.attachmentBytes} bytes`,
    );
  }
}

function checkedName(part: MultipartFile, before: readonly UploadedFile[]): string {
  if (part.fieldname !== FILES_FIELD) {
    throw new CynodeError(
      'validation',
      `${part.fieldname}: must not be a file; files go into ${FILES_FIELD}`,
    );
  }
  const name = baseName(part.filename ?? '');
  if (!isFileName(name)) {
    throw new CynodeError('validation', 'attachments: a file needs a printable name of at most 255 bytes');
  }
  if (before.some((file) => file.name === name)) {
    throw new CynodeError('validation', `attachments: two files are named ${name}`);
  }
  return name;
}

function contentTypeOf(mimetype: string): string {
  return contentTypeSchema.safeParse(mimetype.toLowerCase()).data ?? DEFAULT_CONTENT_TYPE;
}

/** What the parser throws is the client's fault: a malformed body, or one that ends early. */
function toValidation(error: unknown): unknown {
  if (error instanceof CynodeError || !(error instanceof Error)) return error;
  const code: unknown = Reflect.get(error, 'code');
  if (code === 'FST_FILES_LIMIT') {
    return new CynodeError('validation', `attachments: at most ${TASK_LIMITS.attachments} can be given`);
  }
  return new CynodeError('validation', `Invalid request body: not valid multipart (${error.message})`, {
    cause: error,
  });
}
