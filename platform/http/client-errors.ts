import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { toProblem } from '../../contracts/errors.ts';
import { encodeJson } from './json.ts';

const TEXTS: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time; send it again'],
  HPE_HEADER_OVERFLOW: [431, 'The header is too large; send fewer or shorter header fields'],
};

/** Answers what never became a request with a problem, and ends the connection: what follows cannot be told apart any more. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy();
  const [status, detail] = TEXTS[error.code ?? ''] ?? [400, 'This is not an HTTP request that can be read'];
  const title = STATUS_CODES[status] ?? 'Bad Request';
  const body = encodeJson({ ...toProblem('validation', detail), status, title });
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
