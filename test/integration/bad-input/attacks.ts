import { gzipSync } from 'node:zlib';
import type { InjectOptions } from 'fastify';
import { methodOf, pathOf } from './row.ts';
import type { Attack, Row, Target } from './row.ts';
import { wrongValues } from './wrong-values.ts';

type Make = (target: Target, route: string, row: Row) => Attack[];

const DEEP = 100_000;
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

/** Tokens that are absent, broken, expired or of another kind, and tokens of callers that may not do this. */
export const unauthorised: Make = (target, route, row) => {
  if (row.token === undefined) return [];
  const headers: Record<string, string | undefined> = {
    'no token': undefined,
    'an empty header': '',
    'a scheme without a token': 'Bearer',
    'another scheme': 'Basic YWRtaW46YWRtaW4=',
    garbage: 'Bearer garbage',
    'a long one': `Bearer ${'a'.repeat(100_000)}`,
    'two tokens': `Bearer ${target.tokens[row.token] ?? ''} ${target.tokens[row.token] ?? ''}`,
  };
  for (const [what, token] of Object.entries(target.refused)) headers[what] = `Bearer ${token}`;
  for (const [kind, token] of Object.entries(target.tokens)) {
    const fits = kind === row.token || row.also?.includes(kind) === true;
    if (!fits && row.insufficient?.[kind] === undefined) headers[`token of ${kind}`] = `Bearer ${token}`;
  }
  const refused = Object.entries(headers).map(([what, authorization]) => ({
    what,
    request: { ...good(target, route, row), headers: authorization === undefined ? {} : { authorization } },
    allowed: [401],
  }));
  const insufficient = Object.entries(row.insufficient ?? {}).map(([kind, status]) => ({
    what: `token of ${kind}`,
    request: {
      ...good(target, route, row),
      headers: { authorization: `Bearer ${target.tokens[kind] ?? ''}` },
    },
    allowed: [status],
  }));
  return [...refused, ...insufficient];
};

/** What belongs to somebody else, or to nobody. */
export const foreign: Make = (target, route, row) =>
  (row.foreign ?? []).map((url) => ({
    what: url,
    request: { ...good(target, route, row), url },
    allowed: [403, 404],
  }));

/** Bodies that are none, or cannot be read. */
export const badBodies: Make = (target, route, row) => {
  if (row.body === undefined) return [];
  const json = JSON.stringify(row.body);
  const member = (value: string): string => `${json.slice(0, -1)},"unknown":${value}}`;
  const limit = row.bodyLimitBytes ?? target.bodyLimitBytes;
  const bodies: Readonly<Record<string, string | Buffer>> = {
    'no body': '',
    blank: ' ',
    null: 'null',
    'a number': '5',
    text: '"text"',
    true: 'true',
    'an array': '[]',
    'the body in an array': `[${json}]`,
    truncated: json.slice(0, -1),
    unquoted: '{prompt: 1}',
    'single quotes': "{'a':1}",
    'a trailing comma': `${json.slice(0, -1)},}`,
    NaN: member('NaN'),
    'a byte order mark': `\ufeff${json}`,
    NUL: member('"\\u0000"'),
    'NUL in a name': `${json.slice(0, -1)},"\\u0000":1}`,
    'a raw NUL': member('"\0"'),
    'half a surrogate pair': member('"\\ud800"'),
    'half a pair in a name': `${json.slice(0, -1)},"\\udc00":1}`,
    'deep nesting': nested(Math.min(DEEP, Math.floor(limit / 3))),
    'a deep member': member(nested(65)),
    'a very deep member': member(nested(Math.min(DEEP, Math.floor(limit / 3)))),
    bytes: Buffer.from([0xff, 0xfe, 0x00, 0x80]),
    gzip: gzipSync(json),
    XML: '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    form: 'prompt=x&input_mode=script',
  };
  const attacks = Object.entries(bodies).map(([what, payload]) => ({
    what,
    request: { ...good(target, route, row), payload },
    allowed: refusals(row),
  }));
  const huge = { ...good(target, route, row), payload: member(`"${'a'.repeat(limit)}"`) };
  const statusOfHuge = row.tooLarge ?? target.tooLarge;
  const tooLarge = row.orUnauthorised === true ? [statusOfHuge, 401] : [statusOfHuge];
  return [...attacks, { what: 'over the limit', request: huge, allowed: tooLarge }];
};

/** Members that are absent or of another type, one at a time. */
export const wrongTypes: Make = (target, route, row) =>
  wrongValues(row.body ?? {}, row.lenient ?? []).map(({ path, json, mustFail }) => ({
    what: `${path} = ${json.slice(0, 40)}`,
    request: { ...good(target, route, row), payload: json },
    allowed: mustFail ? refusals(row) : [...refusals(row), 404, 409, 503, ...row.good],
    ...(mustFail && row.orUnauthorised !== true ? { says: new RegExp(path.split('.').at(-1) ?? path) } : {}),
  }));

function refusals(row: Row): number[] {
  return row.orUnauthorised === true ? [400, 401] : [400];
}

const PATH_VALUES = [
  'a'.repeat(513),
  'a'.repeat(20_000),
  '%00',
  'a%00b',
  '%ff',
  '%ED%A0%80',
  '%',
  '%zz',
  '..%2f..%2fetc%2fpasswd',
  '%0d%0aset-cookie:%20a=b',
  "'%3bdrop%20table%20tasks%3b--",
  '%F0%9F%92%A9',
  '%20',
  '-1',
  '0',
  'NaN',
  '1e999',
  '1.5',
  '99999999999999999999',
  'undefined',
  '00000000-0000-0000-0000-000000000000',
  '__proto__',
];

/** Paths with parts that are long, undecodable or hostile. */
export const badPaths: Make = (target, route, row) =>
  Object.keys(row.params ?? {}).flatMap((name) =>
    PATH_VALUES.map((value) => ({
      what: `{${name}} = ${value.slice(0, 40)}`,
      request: { ...good(target, route, row), url: pathOf(route, { ...row.params, [name]: value }) },
      allowed: [400, 401, 403, 404, ...row.good],
    })),
  );

const QUERY_VALUES = [
  '=',
  '',
  '=-1',
  '=0',
  '=NaN',
  '=1.5',
  '=1e999',
  '=0x10',
  '=99999999999999999999',
  '=true',
  '=null',
  '=[]',
  '=%00',
  '=%ff',
  '=%ED%A0%80',
  '=%',
  "='%3bdrop%20table%20tasks%3b--",
  `=${'a'.repeat(20_000)}`,
  `=${'9'.repeat(20_000)}`,
];

/** Queries with parameters that are wrong, repeated or long. */
export const badQueries: Make = (target, route, row) => {
  const { url, ...request } = good(target, route, row);
  const queries = (row.query ?? []).flatMap((name) => [
    ...QUERY_VALUES.map((value) => `${name}${value}`),
    `${name}=1&${name}=2`,
    `${name}[]=1`,
    `${name}[a]=1`,
  ]);
  const others = ['__proto__=1', 'constructor=1', '&&&=&', `${'a=1&'.repeat(2000)}`, '?'];
  return [...queries, ...others].map((query) => ({
    what: query.slice(0, 40),
    request: { ...request, url: `${url}?${query}` },
    allowed: [400, 409, ...row.good],
  }));
};

/** Good bodies with headers that say something else. */
export const wrongHeaders: Make = (target, route, row) => {
  const request = good(target, route, row);
  const types = [
    'text/plain',
    'garbage',
    'application/json; charset=utf-16',
    'multipart/form-data; boundary=x',
  ];
  const headers: readonly Readonly<Record<string, string>>[] = [
    ...(row.body === undefined ? [] : types.map((type) => ({ 'content-type': type }))),
    { 'content-encoding': 'gzip', 'idempotency-key': 'a'.repeat(256) },
    { 'idempotency-key': 'ü', 'user-agent': 'ü'.repeat(5_000) },
    {
      accept: 'image/png',
      'accept-encoding': 'br;q=NaN',
      'accept-version': '9.0.0',
      'if-none-match': '*',
      'x-forwarded-for': 'garbage, ::1',
      'user-agent': 'a'.repeat(10_000),
      range: 'bytes=0-0',
      expect: 'something',
    },
  ];
  return headers.map((more) => ({
    what: JSON.stringify(more).slice(0, 60),
    request: { ...request, headers: { ...request.headers, ...more } },
    allowed: [400, 409, ...row.good],
  }));
};

/** A request of the route as it should be. */
export function good(
  target: Target,
  route: string,
  row: Row,
): InjectOptions & { url: string; headers: Record<string, string> } {
  const token = row.token === undefined ? undefined : target.tokens[row.token];
  const method = methodOf(route);
  if (method !== 'GET' && method !== 'POST' && method !== 'PUT' && method !== 'DELETE')
    throw new Error(route);
  return {
    method,
    url: pathOf(route, row.params),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(row.body === undefined ? {} : { payload: JSON.stringify(row.body) }),
    ...(row.bytes === true ? { payload: 'bytes' } : {}),
  };
}
