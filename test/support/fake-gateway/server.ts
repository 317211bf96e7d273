import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toProblem, type ErrorCode } from '../../../contracts/errors.ts';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed JSON, or a form as `Response.formData` reads it; undefined without a body. */
  readonly body: unknown;
}

export interface ScriptedReply {
  readonly status?: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly bytes?: Uint8Array;
  /** Breaks the connection instead of answering. */
  readonly breakOff?: true;
}

export type Handler = (request: SeenRequest) => ScriptedReply | Promise<ScriptedReply>;

/** A gateway of scripted routes on loopback. Disposing fails when it was asked for anything not scripted. */
export interface FakeGateway extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** Scripts a route such as `GET /v1/tasks/:id`; a later script for the same route replaces it. */
  on(route: string, handler: Handler | ScriptedReply): void;
  /** Scripts replies that are given one after the other, the last one for ever. */
  onEach(route: string, ...replies: readonly ScriptedReply[]): void;
  /** How often a route was asked for. */
  count(route: string): number;
}

interface Route {
  readonly name: string;
  readonly pattern: RegExp;
  readonly handler: Handler;
}

export async function startFakeGateway(): Promise<FakeGateway> {
  const routes: Route[] = [];
  const requests: SeenRequest[] = [];
  const unscripted: string[] = [];
  const seenRoutes: string[] = [];

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(message.url ?? '/', 'http://fake');
    const wanted = `${message.method} ${url.pathname}`;
    const route = routes.findLast(({ pattern }) => pattern.test(wanted));
    const request = await seen(message, url, route?.pattern.exec(wanted)?.groups ?? {});
    requests.push(request);
    seenRoutes.push(route?.name ?? '');
    if (!route) unscripted.push(wanted);
    send(response, route ? await route.handler(request) : { status: 501, text: 'not scripted' });
  }

  const server = createServer((message, response) => void answer(message, response));
  const url = await listen(server);
  const gateway: FakeGateway = {
    url,
    requests,
    on: (name, handler) =>
      void routes.push({
        name,
        pattern: patternOf(name),
        handler: typeof handler === 'function' ? handler : () => handler,
      }),
    onEach: (name, ...replies) => {
      let next = 0;
      gateway.on(name, () => replies[Math.min(next++, replies.length - 1)] ?? {});
    },
    count: (name) => seenRoutes.filter((seenName) => seenName === name).length,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (unscripted.length > 0)
        throw new Error(`the fake gateway has no script for ${unscripted.join(', ')}`);
    },
  };
  return gateway;
}

/** A problem reply as the gateway sends it. */
export function problem(code: ErrorCode, detail?: string): ScriptedReply {
  const json = toProblem(code, detail);
  return { status: json.status, json };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the fake gateway has no port');
  return `http://127.0.0.1:${address.port}`;
}

function patternOf(route: string): RegExp {
  return new RegExp(`^${route.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`);
}

async function seen(
  message: IncomingMessage,
  url: URL,
  params: Readonly<Record<string, string>>,
): Promise<SeenRequest> {
  const chunks: Buffer<ArrayBuffer>[] = [];
  message.on('data', (chunk: Buffer<ArrayBuffer>) => chunks.push(chunk));
  await new Promise((resolve) => message.on('end', resolve));
  return {
    method: message.method ?? '',
    path: url.pathname,
    params: Object.fromEntries(
      Object.entries(params).map(([key, value]) => [key, decodeURIComponent(value)]),
    ),
    query: Object.fromEntries(url.searchParams),
    headers: message.headers,
    body: await bodyOf(message.headers['content-type'] ?? '', Buffer.concat(chunks)),
  };
}

async function bodyOf(type: string, bytes: Buffer<ArrayBuffer>): Promise<unknown> {
  if (bytes.length === 0) return undefined;
  if (type.startsWith('multipart/')) {
    return new Response(bytes, { headers: { 'content-type': type } }).formData();
  }
  return JSON.parse(bytes.toString('utf8'));
}

function send(response: ServerResponse, reply: ScriptedReply): void {
  if (reply.breakOff === true) return void response.destroy();
  const { status = 200, json, text, bytes } = reply;
  if (bytes !== undefined) return void response.writeHead(status).end(bytes);
  const type = json === undefined ? 'text/plain' : `application/${status >= 400 ? 'problem+' : ''}json`;
  response.writeHead(status, { 'content-type': type });
  response.end(json === undefined ? (text ?? '') : `${JSON.stringify(json)}\n`);
}
