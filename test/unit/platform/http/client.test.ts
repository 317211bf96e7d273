import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ERRORS, toProblem } from '../../../../contracts/errors.ts';
import { createHttpClient, HttpStatusError } from '../../../../platform/http/client.ts';
import { encodeJson } from '../../../../platform/http/json.ts';
import { portOf } from '../port-of.ts';

type Answer = (request: IncomingMessage, reply: ServerResponse) => void;

let answer: Answer;
const server = createServer((request, reply) => answer(request, reply));
const client = createHttpClient();
let origin: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${portOf(server)}`;
});
afterAll(async () => {
  await client[Symbol.asyncDispose]();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const replyWith =
  (status: number, body: string, headers: Record<string, string> = {}): Answer =>
  (_request, reply) =>
    reply.writeHead(status, headers).end(body);

const get = () => client.send({ method: 'GET', url: `${origin}/v1/thing?x=1`, timeoutMs: 5_000 });
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ({ unexpected: value }),
    (error: unknown) => error,
  );

describe('a request', () => {
  it('carries bearer and JSON, and nothing where there is none', async () => {
    const seen: unknown[] = [];
    answer = (request, reply) => {
      let body = '';
      request.on('data', (part) => (body += String(part)));
      request.on('end', () => {
        const { authorization, accept, 'content-type': type } = request.headers;
        seen.push({ method: request.method, authorization, accept, type, body });
        reply.end('{}');
      });
    };
    await client.send({ method: 'POST', url: origin, bearer: 'token', body: { text: 'ä' } });
    await get();
    expect(seen).toEqual([
      {
        method: 'POST',
        authorization: 'Bearer token',
        accept: 'application/json',
        type: 'application/json',
        body: '{"text":"ä"}',
      },
      { method: 'GET', authorization: undefined, accept: 'application/json', type: undefined, body: '' },
    ]);
  });

  it('is not repeated at the place a redirect names', async () => {
    answer = replyWith(302, '', { location: '/elsewhere' });
    expect(await failure(get())).toMatchObject({ status: 302, code: 'internal' });
  });
});

describe('a reply', () => {
  it('is parsed by its schema, whatever its content type', async () => {
    answer = replyWith(201, encodeJson({ name: '<a>', more: 1 }), { 'content-type': 'text/plain' });
    const reply = z.object({ name: z.string() });
    expect(await client.send({ method: 'GET', url: origin, reply })).toEqual({
      status: 201,
      data: { name: '<a>' },
    });
  });

  it('without a schema has no data, whatever is in it', async () => {
    for (const [status, body] of [
      [204, ''],
      [200, 'no JSON'],
      [200, '{"a":1}'],
    ] as const) {
      answer = replyWith(status, body);
      expect(await get()).toEqual({ status, data: undefined });
    }
  });

  it('that is not what was asked for is an internal error that names the path', async () => {
    for (const body of ['', '{', '<html>', '{"name":7}', 'null']) {
      answer = replyWith(200, body);
      const sent = client.send({
        method: 'GET',
        url: `${origin}/v1/thing`,
        reply: z.object({ name: z.string() }),
      });
      expect(await failure(sent)).toMatchObject({
        code: 'internal',
        message: expect.stringMatching(/^\/v1\/thing replied with an unexpected body/),
      });
    }
  });

  it('that has no end is not taken in', async () => {
    answer = (_request, reply) => {
      const part = Buffer.alloc(1024 * 1024, 'x');
      const send = (): void => {
        while (!reply.destroyed && reply.write(part));
      };
      reply.on('drain', send);
      send();
    };
    expect(await failure(get())).toMatchObject({
      code: 'internal',
      message: '/v1/thing replied with too large a body',
    });
  });
});

describe('an error reply', () => {
  it('with a problem of ours has its code, status and detail', async () => {
    answer = replyWith(409, encodeJson(toProblem('claim_taken', 'Another claim holds it')));
    const error = await failure(get());
    expect(error).toBeInstanceOf(HttpStatusError);
    expect(error).toMatchObject({ status: 409, code: 'claim_taken', message: 'Another claim holds it' });
  });

  it.each(Object.entries(ERRORS))('with the problem %s is told from all others', async (code, { status }) => {
    answer = replyWith(status, encodeJson({ code, detail: 'text' }));
    expect(await failure(get())).toMatchObject({ status, code });
  });

  it('with a problem of somebody else has the code of its status and that detail', async () => {
    answer = replyWith(401, encodeJson({ title: 'Unauthorized', detail: 'Invalid token', code: 'EAUTH' }));
    expect(await failure(get())).toMatchObject({ code: 'authentication', message: 'Invalid token' });
    answer = replyWith(400, encodeJson({ code: '__proto__', detail: 7 }));
    expect(await failure(get())).toMatchObject({ code: 'validation', message: '/v1/thing replied 400' });
  });

  it('without a problem has the code of its status, or none of its own', async () => {
    const codes = {
      404: 'not_found',
      409: 'conflict',
      413: 'payload_too_large',
      429: 'rate_limit',
      503: 'unavailable',
    };
    for (const [status, code] of Object.entries(codes)) {
      answer = replyWith(Number(status), '404 page not found\n');
      expect(await failure(get())).toMatchObject({
        status: Number(status),
        code,
        message: `/v1/thing replied ${status}`,
      });
    }
    for (const body of ['null', '"text"', '[]', '7', '']) {
      answer = replyWith(418, body);
      expect(await failure(get())).toMatchObject({ status: 418, code: 'internal' });
    }
  });
});

describe('a server that does not answer', () => {
  const unavailable = (cause: unknown) => ({
    code: 'unavailable',
    message: `${origin} cannot be reached`,
    cause,
  });

  it('is unavailable when the time is up, before or after its head', async () => {
    const silent: Answer = () => undefined;
    const stuck: Answer = (_request, reply) => void reply.writeHead(200).write('{');
    for (const late of [silent, stuck]) {
      answer = late;
      const start = performance.now();
      const sent = client.send({ method: 'GET', url: origin, timeoutMs: 100 });
      expect(await failure(sent)).toMatchObject(
        unavailable(expect.objectContaining({ name: 'TimeoutError' })),
      );
      expect(performance.now() - start).toBeLessThan(4_000);
    }
  });

  it('is not waited for after an abort', async () => {
    answer = () => undefined;
    const aborting = new AbortController();
    const sent = failure(client.send({ method: 'GET', url: origin, signal: aborting.signal }));
    aborting.abort();
    expect(await sent).toMatchObject(unavailable(expect.objectContaining({ name: 'AbortError' })));
    const late = client.send({ method: 'GET', url: origin, signal: AbortSignal.abort() });
    expect(await failure(late)).toMatchObject({ code: 'unavailable' });
  });

  it('is unavailable when it is not there, with the reason as the cause', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const port = portOf(gone);
    await new Promise((resolve) => gone.close(resolve));
    expect(await failure(client.send({ method: 'GET', url: `http://127.0.0.1:${port}/` }))).toMatchObject({
      code: 'unavailable',
      message: `http://127.0.0.1:${port} cannot be reached`,
      cause: expect.objectContaining({ code: 'ECONNREFUSED' }),
    });
  });

  it('is unavailable when it hangs up or does not speak HTTP', async () => {
    answer = (request) => void request.socket.destroy();
    expect(await failure(get())).toMatchObject({ code: 'unavailable' });
    answer = (request) => void request.socket.end('HELLO\r\n\r\n');
    expect(await failure(get())).toMatchObject({ code: 'unavailable' });
    answer = (_request, reply) =>
      void reply.writeHead(200, { 'content-length': '9' }).end('short', () => reply.destroy());
    expect(await failure(get())).toMatchObject({ code: 'unavailable' });
  });

  it('does not spoil the client for the next call', async () => {
    answer = replyWith(200, '{}');
    expect(await get()).toEqual({ status: 200, data: undefined });
  });
});
