import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HTTP_TIMINGS } from '../../../../platform/http/timings.ts';
import { BODY_LIMIT_BYTES, createTestApp } from './app.ts';

const { app } = createTestApp();
const hasty = createTestApp({ timings: { ...HTTP_TIMINGS, writeTimeoutMs: 100 } }).app;
let origin: string;
beforeAll(async () => {
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
});

/** Sends the bytes as they are and reads until the server closes the connection. */
function exchange(to: string, text: string): Promise<string> {
  const { hostname, port } = new URL(to);
  return new Promise((resolve) => {
    let reply = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.setEncoding('latin1');
    socket.on('data', (part: string) => (reply += part));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(reply));
  });
}

const request = (line: string, ...headers: string[]): string =>
  [`${line} HTTP/1.1`, 'Host: test', 'Connection: close', ...headers, '', ''].join('\r\n');

describe('over a real connection', () => {
  it('answers as it does inside the process', async () => {
    const reply = await fetch(`${origin}/v1/things/7`);
    expect([reply.status, reply.headers.get('content-type'), await reply.text()]).toEqual([
      200,
      'application/json',
      '{"id":"7"}\n',
    ]);
    const unknown = await fetch(`${origin}/nowhere`, { method: 'POST', body: '{' });
    expect([unknown.status, await unknown.text()]).toEqual([404, '404 page not found\n']);
    const other = await fetch(`${origin}/v1/tries/3:claim`, { method: 'PUT', body: '{' });
    expect([other.status, other.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('answers a path that cannot be decoded with a problem', async () => {
    const reply = await exchange(origin, request('GET /v1/things/%ff'));
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
    expect(reply.toLowerCase()).toContain('content-type: application/problem+json\r\n');
    expect(reply).toContain('"code":"validation"');
  });

  it('refuses a body that is announced or turns out too large', async () => {
    const announced = await exchange(
      origin,
      request('POST /v1/anything', `Content-Length: ${BODY_LIMIT_BYTES + 1}`),
    );
    expect(announced).toMatch(/^HTTP\/1\.1 400 [^]*too large/);
    const chunk = `${(BODY_LIMIT_BYTES + 1).toString(16)}\r\n${'x'.repeat(BODY_LIMIT_BYTES + 1)}\r\n0\r\n\r\n`;
    const streamed = await exchange(
      origin,
      request('POST /v1/anything', 'Transfer-Encoding: chunked') + chunk,
    );
    expect(streamed).toMatch(/^HTTP\/1\.1 400 [^]*too large/);
  });

  it('lets a client that sends everything before it reads have its refusal', async () => {
    const body = 'x'.repeat(32 * 1024 * 1024);
    const { hostname, port } = new URL(origin);
    const head = `POST /v1/anything HTTP/1.1\r\nHost: test\r\nContent-Length: ${body.length}\r\n\r\n`;
    const reply = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      socket.on('error', reject);
      socket.pause().write(head + body, 'latin1', () => {
        socket.once('data', (part) => {
          socket.destroy();
          resolve(part.toString());
        });
        socket.resume();
      });
    });
    expect(reply).toMatch(/^HTTP\/1\.1 400 [^]*too large/);
  });

  it('reads an empty chunked body as none', async () => {
    const reply = await exchange(
      origin,
      `${request('POST /v1/anything', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    );
    expect(reply).toMatch(/^HTTP\/1\.1 200 [^]*\{"body":"nothing"\}\n$/);
  });

  it('refuses what is not UTF-8, or stores it as it was read', async () => {
    const body = Buffer.from([0x22, 0xff, 0x22]).toString('latin1');
    const { hostname, port } = new URL(origin);
    const reply = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(Number(port), hostname, () =>
        socket.write(Buffer.from(request('POST /v1/anything', 'Content-Length: 3') + body, 'latin1')),
      );
      socket.on('data', (part) => (text += part.toString()));
      socket.on('close', () => resolve(text));
    });
    expect(reply).toMatch(/^HTTP\/1\.1 (400 |200 [^]*\{"body":"\ufffd"\})/);
  });
});

describe('the time of a reply', () => {
  const hastily = async (): Promise<string> => {
    const to = await hasty.listen({ host: '127.0.0.1', port: 0 });
    return exchange(to, request('GET /v1/slow'));
  };

  it('is bounded where a bound is given, and only there', async () => {
    expect(await hastily()).toBe('');
    expect(await exchange(origin, request('GET /v1/slow'))).toMatch(/^HTTP\/1\.1 200 /);
    expect(app.server.timeout).toBe(0);
  });
});

describe('closing', () => {
  const busy = createTestApp().app;
  afterAll(() => busy.close());

  it('answers what is in hand, ends its connection and takes no more', async () => {
    const to = await busy.listen({ host: '127.0.0.1', port: 0 });
    const inHand = fetch(`${to}/v1/slow`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const start = performance.now();
    await busy.close();
    const reply = await inHand;
    expect([reply.status, reply.headers.get('connection')]).toEqual([200, 'close']);
    expect(performance.now() - start).toBeLessThan(5_000);
    await expect(fetch(`${to}/healthz`)).rejects.toThrow();
  });
});
