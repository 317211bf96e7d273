import { Agent, errors, request } from 'undici';
import type { z } from 'zod';
import { CynodeError, ERRORS } from '../../contracts/errors.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { tracing } from '../tracing.ts';

/** A reply other than 2xx. `code` is ours when the problem body names it, else the nearest one of the status. */
export class HttpStatusError extends CynodeError {
  readonly status: number;

  constructor(status: number, code: ErrorCode, detail: string) {
    super(code, detail);
    this.name = 'HttpStatusError';
    this.status = status;
  }
}

export interface JsonRequest<T> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly body?: unknown;
  readonly bearer?: string;
  /** Shape of the reply; absent when the body does not matter. */
  readonly reply?: z.ZodType<T>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface HttpClient extends AsyncDisposable {
  /**
   * @returns status and parsed body of a 2xx reply.
   * @throws HttpStatusError for another status · CynodeError `unavailable` when the server cannot be reached in time, `internal` when
   * its reply is not what was asked for.
   */
  send<T = undefined>(request: JsonRequest<T>): Promise<{ readonly status: number; readonly data: T }>;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/** Two output streams of a job in their longest JSON form fit several times. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/** Keep-alive client for our own JSON services. Redirects are not followed, and a reply has at most 16 MiB. */
export function createHttpClient(): HttpClient {
  const dispatcher = new Agent({
    maxResponseSize: MAX_REPLY_BYTES,
    keepAliveTimeout: 30_000,
    connections: 64,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    send: (options) => sendJson(dispatcher, options),
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  };
}

async function sendJson<T>(dispatcher: Agent, options: JsonRequest<T>): Promise<{ status: number; data: T }> {
  const { status, text } = await exchange(dispatcher, options);
  if (status < 200 || status > 299) throw toStatusError(status, text, options.url);
  // Without a schema the caller asked for no data, so T is undefined.
  if (options.reply === undefined) return { status, data: undefined as T };
  const parsed = options.reply.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new CynodeError(
      'internal',
      `${pathOf(options.url)} replied with an unexpected body: ${parsed.error.message}`,
    );
  }
  return { status, data: parsed.data };
}

async function exchange(
  dispatcher: Agent,
  options: JsonRequest<unknown>,
): Promise<{ status: number; text: string }> {
  const timeout = new AbortController();
  // `AbortSignal.timeout` would fire, and make an error, long after most requests are done.
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const giveUp = (): void => timeout.abort(new DOMException('no reply in time', 'TimeoutError'));
  const timer = setTimeout(giveUp, timeoutMs);
  const signal =
    options.signal === undefined ? timeout.signal : AbortSignal.any([timeout.signal, options.signal]);
  const headers: Record<string, string> = { accept: 'application/json', ...tracing()?.context() };
  if (options.bearer !== undefined) headers['authorization'] = `Bearer ${options.bearer}`;
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  try {
    const reply = await request(options.url, {
      dispatcher,
      method: options.method,
      headers,
      signal,
      body: options.body === undefined ? null : JSON.stringify(options.body),
    });
    return { status: reply.statusCode, text: await reply.body.text() };
  } catch (cause) {
    if (cause instanceof errors.ResponseExceededMaxSizeError) {
      throw new CynodeError('internal', `${pathOf(options.url)} replied with too large a body`, { cause });
    }
    throw new CynodeError('unavailable', `${new URL(options.url).origin} cannot be reached`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** The error of a reply that is not 2xx, from its problem body if it has one. */
export function toStatusError(status: number, text: string, url: string): HttpStatusError {
  const body = parseJson(text);
  const member = (name: string): string | undefined => {
    const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const code = member('code');
  return new HttpStatusError(
    status,
    code !== undefined && isErrorCode(code) ? code : codeOfStatus(status),
    member('detail') ?? `${pathOf(url)} replied ${status}`,
  );
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

function codeOfStatus(status: number): ErrorCode {
  const found = Object.entries(ERRORS).find(([, spec]) => spec.status === status)?.[0];
  return found !== undefined && isErrorCode(found) ? found : 'internal';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function pathOf(url: string): string {
  return new URL(url).pathname;
}
