import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createTestApp } from './app.ts';

const { app } = createTestApp();
type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

const answer = async (method: Method, url: string, payload?: string) => {
  const { statusCode, headers, body } = await app.inject({
    method,
    url,
    ...(payload === undefined ? {} : { payload }),
  });
  return { status: statusCode, type: headers['content-type'], allow: headers.allow, body };
};
const NOT_FOUND = {
  status: 404,
  type: 'text/plain; charset=utf-8',
  allow: undefined,
  body: '404 page not found\n',
};
const notAllowed = (allow: string) => ({
  status: 405,
  type: 'text/plain; charset=utf-8',
  allow,
  body: 'Method Not Allowed\n',
});

describe('an unknown path', () => {
  it('is a plain 404, whatever the method and the body', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
      expect(await answer(method, '/nowhere')).toEqual(NOT_FOUND);
    }
    for (const payload of ['{', '"\\u0000"', 'x'.repeat(5000)]) {
      expect(await answer('POST', '/v1/nowhere', payload)).toEqual(NOT_FOUND);
    }
  });

  it('is one also when it only looks like a known one', async () => {
    const paths = ['/v1/things/', '/v1/thing', '/v1/Things', '//v1/things', '/v1/things/1/2'];
    for (const path of paths) expect(await answer('PUT', path)).toEqual(NOT_FOUND);
    expect(await answer('POST', '/v1/tries/x1:claim')).toEqual(NOT_FOUND);
    expect(await answer('POST', '/v1/tries/1:claims')).toEqual(NOT_FOUND);
    expect(await answer('GET', '/v1/tries/:claim')).toEqual(NOT_FOUND);
    expect(await answer('POST', '/v1/words/a%2fb:say')).toEqual(NOT_FOUND);
  });

  it('is one for any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.webPath(), async (path) => {
        fc.pre(!path.startsWith('/v1/') && !path.includes('%00'));
        expect(await answer('PATCH', `/x${path}`)).toEqual(NOT_FOUND);
      }),
    );
  });
});

describe('a known path with another method', () => {
  it.each([
    ['PUT', '/v1/things', 'GET, HEAD, POST'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['OPTIONS', '/v1/things/7', 'DELETE, GET, HEAD'],
    ['GET', '/v1/tries/12:claim', 'POST'],
    ['DELETE', '/v1/anything?really=true', 'POST'],
  ] as const)('%s %s is a plain 405 that allows %s', async (method, url, allow) => {
    expect(await answer(method, url)).toEqual(notAllowed(allow));
  });

  it('does not look at the body', async () => {
    expect(await answer('PUT', '/v1/things', '{')).toEqual(notAllowed('GET, HEAD, POST'));
  });
});

describe('routes with a colon in them', () => {
  it('answer for their own paths', async () => {
    expect(await answer('POST', '/v1/jobs:run')).toMatchObject({ status: 200, body: '{"ran":true}\n' });
    expect(await answer('GET', '/v1/jobs:run')).toEqual(notAllowed('POST'));
    expect(await answer('POST', '/v1/jobs')).toEqual(NOT_FOUND);
    expect(await answer('POST', '/v1/jobs::run')).toEqual(NOT_FOUND);
    expect(await answer('POST', '/v1/tries/12:claim')).toMatchObject({ status: 200, body: '{"try":"12"}\n' });
  });
});
