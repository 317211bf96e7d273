import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HTTP_TIMINGS } from '../../../platform/http/timings.ts';
import { startUserApiHarness } from '../../support/user-api/harness.ts';
import type { TestUser, UserApiHarness } from '../../support/user-api/harness.ts';
import { problemFaults } from './check.ts';
import { hashTables } from './stored.ts';

const READ_TIMEOUT_MS = 700;
const MAX_HEADER_BYTES = 16 * 1024;

let api: UserApiHarness;
let user: TestUser;
let port: number;
beforeAll(async () => {
  api = await startUserApiHarness({
    settings: {
      httpTimings: { ...HTTP_TIMINGS, readTimeoutMs: READ_TIMEOUT_MS, maxHeaderBytes: MAX_HEADER_BYTES },
    },
  });
  user = await api.createUser();
  port = Number(new URL(await api.app.listen({ host: '127.0.0.1', port: 0 })).port);
}, 60_000);
afterAll(() => api[Symbol.asyncDispose]());

/** Sends text as it is and, unless told to wait, no more; resolves with all that comes until the connection ends. */
async function exchange(text: string | Buffer, { end = true } = {}): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => received.push(chunk)).on('error', () => undefined);
  socket.write(text);
  if (end) socket.end();
  await once(socket, 'close');
  return Buffer.concat(received).toString();
}

const request = (line: string, headers: readonly string[], body = ''): string =>
  `${[line, 'Host: gateway', ...headers].join('\r\n')}\r\n\r\n${body}`;
const create = (headers: readonly string[], body = ''): string =>
  request('POST /v1/tasks HTTP/1.1', [`Authorization: Bearer ${user.tokens.access_token}`, ...headers], body);

/** Status of a reply, after looking at its problem. */
function refusal(reply: string): number {
  const [head = '', body = ''] = reply.split('\r\n\r\n');
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
  expect(head.toLowerCase()).toContain('content-type: application/problem+json');
  expect([reply, problemFaults(status, JSON.parse(body))]).toEqual([reply, []]);
  return status;
}

describe('a connection', () => {
  it.each([
    ['no HTTP at all', () => 'hello\r\n\r\n'],
    ['bytes', () => Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x0d, 0x0a, 0x0d, 0x0a])],
    ['another protocol', () => 'GET / HTTP/3.7\r\nHost: a\r\n\r\n'],
    ['a method that is none', () => request('STEAL /v1/tasks HTTP/1.1', [])],
    ['a space in the path', () => request('GET /v1/ta sks HTTP/1.1', [])],
    ['a header without a colon', () => create(['nonsense'])],
    ['a NUL in a header', () => create(['X-A: \0'])],
    ['a length that is no number', () => create(['Content-Length: -1'])],
    ['two lengths', () => create(['Content-Length: 2', 'Content-Length: 5'], '{}')],
    ['length and chunks', () => create(['Content-Length: 2', 'Transfer-Encoding: chunked'], '{}')],
    ['a chunk of a wrong size', () => create(['Transfer-Encoding: chunked'], 'xyz\r\n{}\r\n0\r\n\r\n')],
  ])('with %s gets a problem', async (_what, text) => {
    expect(refusal(await exchange(text()))).toBe(400);
  });

  it.each([
    ['many headers', () => create(Array.from({ length: 5000 }, (_, n) => `X-${n}: a`))],
    ['a long header', () => create([`X-A: ${'a'.repeat(MAX_HEADER_BYTES)}`])],
    ['a long path', () => request(`GET /${'a'.repeat(2 * MAX_HEADER_BYTES)} HTTP/1.1`, [])],
  ])('with %s is told so', async (_what, text) => {
    expect(refusal(await exchange(text()))).toBe(431);
  });

  it('that stops in the middle of a request is answered when the time is over', async () => {
    const texts = [
      create(['Content-Length: 100'], '{"prompt":"echo","input_mode":'),
      create(['Transfer-Encoding: chunked'], '5\r\n{"pro\r\n'),
      'POST /v1/tasks HTTP/1.1\r\nHost: gateway\r\nX-',
    ];
    const replies = await Promise.all(texts.map((text) => exchange(text, { end: false })));
    expect(replies.map(refusal)).toEqual([408, 408, 408]);
  });

  it('that ends in the middle of a body leaves nothing behind', async () => {
    const before = await hashTables(api.db);
    const body = '{"prompt":"echo","input_mode":"script"}';
    for (let bytes = 1; bytes < body.length; bytes += 1) {
      await exchange(create([`Content-Length: ${body.length}`], body.slice(0, bytes)));
    }
    expect(await hashTables(api.db)).toEqual(before);
  });

  it('may ask for many things at once, good and bad', async () => {
    const good = request('GET /healthz HTTP/1.1', []);
    const bad = create(['Content-Length: 2'], '[]');
    const last = request('GET /healthz HTTP/1.1', ['Connection: close']);
    const reply = await exchange(`${good}${bad}${good}${bad}${last}`, { end: false });
    expect([...reply.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
      '200',
      '400',
      '200',
      '400',
      '200',
    ]);
  });

  it('finds the server well after all of this', async () => {
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    expect((await user.call({ url: '/v1/tasks' })).body).toEqual({ tasks: [], next_cursor: '' });
  });
});
