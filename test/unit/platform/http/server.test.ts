import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BODY_LIMIT_BYTES, createTestApp } from './app.ts';

const { app, logged } = createTestApp();
const workerApi = createTestApp({ tooLarge: 'payload_too_large' }).app;
const waiting = createTestApp({ readiness: async () => 'no inference path' }).app;

const post = (payload: string | Buffer, contentType?: string, url = '/v1/anything') =>
  app.inject({
    method: 'POST',
    url,
    payload,
    headers: contentType === undefined ? {} : { 'content-type': contentType },
  });

const problem = (status: number, type: string, title: string, detail: unknown, code: string) => ({
  type: `urn:cynodeai:error:${type}`,
  title,
  status,
  detail,
  code,
});
const invalid = (detail: unknown) => problem(400, 'validation', 'Bad Request', detail, 'validation');

describe('a reply', () => {
  it('is JSON without charset, escaped, with one newline at its end', async () => {
    const reply = await app.inject('/v1/things');
    expect(reply.headers['content-type']).toBe('application/json');
    expect(reply.body).toBe('{"things":["\\u003ca\\u003e \\u0026 b"]}\n');
  });

  it('holds only what its schema declares', async () => {
    expect((await app.inject('/v1/declared')).body).toBe('{"name":"ok"}\n');
  });

  it('that does not fit its schema is a logged fault of the server', async () => {
    const reply = await app.inject('/v1/undeclared');
    expect(reply.json()).toEqual(
      problem(
        500,
        'internal',
        'Internal Server Error',
        expect.stringMatching(/^Internal error; the server's log has it as request [0-9a-f-]{36}$/),
        'internal',
      ),
    );
    expect(logged.at(-1)).toContain('request failed');
  });

  it('to HEAD is that of GET without its body', async () => {
    for (const url of ['/v1/things', '/healthz']) {
      const [get, head] = [await app.inject(url), await app.inject({ method: 'HEAD', url })];
      expect(head.body).toBe('');
      expect([head.statusCode, head.headers['content-type'], head.headers['content-length']]).toEqual([
        get.statusCode,
        get.headers['content-type'],
        get.headers['content-length'],
      ]);
    }
  });

  it('without content has none', async () => {
    const reply = await app.inject({ method: 'DELETE', url: '/v1/things/1' });
    expect([reply.statusCode, reply.body, reply.headers['content-type']]).toEqual([204, '', undefined]);
  });
});

describe('an error', () => {
  it('of the table becomes its problem', async () => {
    const reply = await app.inject('/v1/conflict');
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.body).toBe(
      '{"type":"https://cynode.ai/specs/conflict","title":"Conflict","status":409,' +
        '"detail":"Another claim holds it; wait \\u003chere\\u003e","code":"claim_taken"}\n',
    );
  });

  it('that nobody expected is logged, and its text is not sent', async () => {
    const reply = await app.inject('/v1/failing');
    expect(reply.statusCode).toBe(500);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.body).not.toContain('hunter2');
    expect(logged.at(-1)).toContain('hunter2');
  });
});

describe('a body', () => {
  it('is read as JSON whatever its content type says', async () => {
    const types = [
      undefined,
      '',
      'text/plain',
      'garbage',
      'a/b/c',
      'application/json;charset=',
      ';',
      'multipart/form-data',
    ];
    for (const type of types) expect((await post('{"a":1}', type)).json()).toEqual({ body: { a: 1 } });
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[ -~]*$/), async (type) => {
        expect((await post('[]', type)).json()).toEqual({ body: [] });
      }),
    );
  });

  it('keeps its unknown members out of what the route sees', async () => {
    const reply = await post('{"name":"ada","admin":true}', 'application/json', '/v1/things');
    expect([reply.statusCode, reply.body]).toEqual([201, '{"name":"ada"}\n']);
  });

  it('that does not fit is refused with the names of its members', async () => {
    const reply = await post('{"name":"a","size":"big"}', 'application/json', '/v1/things');
    expect(reply.json()).toEqual(invalid(expect.stringMatching(/^name .+; size .+/)));
  });

  it('that is malformed is refused', async () => {
    for (const text of ['{', '{"a":1', "{'a':1}", 'undefined', ' ', '\ufeff']) {
      expect((await post(text)).json()).toEqual(invalid('Invalid request body: not valid JSON'));
    }
    expect((await post('['.repeat(BODY_LIMIT_BYTES - 1))).statusCode).toBe(400);
  });

  it('that is empty is left to the route', async () => {
    expect((await post('')).json()).toEqual({ body: 'nothing' });
    expect((await post('', 'application/json')).json()).toEqual({ body: 'nothing' });
    const reply = await post('', 'application/json', '/v1/things');
    expect([reply.statusCode, reply.json()]).toEqual([400, invalid(expect.any(String))]);
  });

  it('with text that cannot be stored is refused', async () => {
    for (const text of ['{"a":"\\u0000"}', '{"\\u0000":1}', '["\\ud800"]', '{"a":{"b":["x\\udfff"]}}']) {
      expect((await post(text)).json()).toEqual(
        invalid('Invalid request body: text must be Unicode without NUL'),
      );
    }
  });

  it('over the limit is 400 for a gateway and 413 for the Worker API', async () => {
    const long = JSON.stringify('x'.repeat(BODY_LIMIT_BYTES));
    expect((await post(long)).json()).toEqual(invalid('Invalid request body: too large'));
    const reply = await workerApi.inject({ method: 'POST', url: '/v1/anything', payload: long });
    expect(reply.json()).toEqual(
      problem(
        413,
        'validation',
        'Request Entity Too Large',
        'Invalid request body: too large',
        'payload_too_large',
      ),
    );
    expect((await post(JSON.stringify('x'.repeat(BODY_LIMIT_BYTES - 2)))).statusCode).toBe(200);
  });
});

describe('a path', () => {
  it('with NUL in it or in its query is refused', async () => {
    for (const url of ['/v1/things/%00', '/v1/things?name=%00', '/nowhere%00']) {
      expect((await app.inject(url)).json()).toEqual(invalid('the path and query must not contain NUL'));
    }
  });

  it('that cannot be decoded is refused with a problem', async () => {
    for (const url of ['/v1/things/%E0%A4%A', '/v1/things/%ff']) {
      const reply = await app.inject(url);
      expect(reply.headers['content-type']).toBe('application/problem+json');
      expect(reply.json()).toEqual(invalid(expect.any(String)));
    }
  });
});

describe('the routes for operators', () => {
  it('say that the process is alive', async () => {
    const reply = await app.inject('/healthz');
    expect([reply.statusCode, reply.body]).toEqual([200, 'ok\n']);
    expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8');
  });

  it('say whether it is ready, and why not', async () => {
    const ready = await app.inject('/readyz');
    expect([ready.statusCode, ready.body]).toEqual([200, 'ready\n']);
    const reply = await waiting.inject('/readyz');
    expect([reply.statusCode, reply.body]).toEqual([503, 'no inference path\n']);
    expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8');
  });

  it('give metrics in the format of Prometheus', async () => {
    const reply = await app.inject('/metrics');
    expect(reply.headers['content-type']).toMatch(/^text\/plain; version=/);
    expect(reply.body).toContain('process_cpu_seconds_total');
  });
});
