import { randomUUID } from 'node:crypto';
import { usageError } from './errors.ts';
import type { HttpContent } from './http.ts';
import { openRegular } from './files.ts';

/** A file to send: regular, and of this size when it was looked at. */
export interface FormFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
}

interface Part {
  readonly head: Buffer;
  readonly sizeBytes: number;
  readonly content: () => AsyncIterable<Uint8Array>;
}

/** A multipart form (RFC 7578) with the fields that have a value, and the files as parts of one name, read as they are sent. */
export function formContent(
  fields: Readonly<Record<string, string | number | boolean | undefined>>,
  filesField: string,
  files: readonly FormFile[],
): HttpContent {
  const boundary = `cynork-${randomUUID()}`;
  const parts = [
    ...Object.entries(fields).flatMap(([name, value]) =>
      value === undefined ? [] : [fieldPart(boundary, name, String(value))],
    ),
    ...files.map((file) => filePart(boundary, filesField, file)),
  ];
  const end = Buffer.from(`--${boundary}--\r\n`);
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    sizeBytes: parts.reduce((sum, { head, sizeBytes }) => sum + head.length + sizeBytes + 2, end.length),
    open: async function* () {
      for (const { head, content } of parts) {
        yield head;
        yield* content();
        yield Buffer.from('\r\n');
      }
      yield end;
    },
  };
}

function fieldPart(boundary: string, name: string, value: string): Part {
  const bytes = Buffer.from(value);
  const head = Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`);
  return {
    head,
    sizeBytes: bytes.length,
    content: async function* () {
      yield bytes;
    },
  };
}

function filePart(boundary: string, field: string, file: FormFile): Part {
  const name = file.name.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="${name}"\r\n` +
      'Content-Type: application/octet-stream\r\n\r\n',
  );
  return { head, sizeBytes: file.sizeBytes, content: () => readExactly(file) };
}

/** What was announced, and not a byte more or less. */
async function* readExactly({ path, sizeBytes }: FormFile): AsyncGenerator<Uint8Array> {
  await using file = await openRegular(path, sizeBytes);
  let sentBytes = 0;
  for await (const chunk of file.createReadStream({ autoClose: false })) {
    const bytes = Buffer.from(chunk as Uint8Array); // a stream without an encoding gives bytes
    sentBytes += bytes.length;
    if (sentBytes > sizeBytes) break;
    yield bytes;
  }
  if (sentBytes !== sizeBytes) throw usageError(`${path} changed while it was sent`, 'Try again.');
}
