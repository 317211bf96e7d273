import { Agent, errors, request } from 'undici';
import type { Dispatcher } from 'undici';
import { tracing } from '../../../platform/tracing.ts';
import { BackendError } from './backend.ts';

const SECOND_MS = 1000;
/** A node ends a generation that says nothing for 120 s by itself; before that it may keep a call waiting for as long. */
const IDLE_MS = 130 * SECOND_MS;
const FIRST_WORD_MS = 2 * IDLE_MS;
const MAX_ERROR_BYTES = 16 * 1024;
const MAX_LINE_CHARACTERS = 1024 * 1024;
const MAX_DETAIL = 500;

/** Connections to backends, kept open so that a call does not wait for one. */
export function createBackendPool(): Agent {
  return new Agent({
    keepAliveTimeout: 60 * SECOND_MS,
    connections: 128,
    connectTimeout: 3 * SECOND_MS,
    headersTimeout: FIRST_WORD_MS,
    bodyTimeout: IDLE_MS,
  });
}

export interface StreamRequest {
  readonly pool: Dispatcher;
  readonly url: string;
  readonly bearer: string;
  readonly body: unknown;
  readonly signal: AbortSignal;
}

/**
 * Lines of the reply as they come, without their ends and without empty ones.
 * @throws BackendError
 */
export async function* streamLines(options: StreamRequest): AsyncGenerator<string, void, undefined> {
  const reply = await post(options);
  if (reply.statusCode !== 200) throw await toBackendError(reply);
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const bytes of reply.body) {
      rest += decoder.decode(bytes as Uint8Array, { stream: true }); // a body without an encoding gives bytes
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE_CHARACTERS)
        throw new BackendError('failed', 'a line of its reply is too long');
      for (const line of lines) if (line.trim() !== '') yield line.trim();
    }
  } catch (cause) {
    throw toBrokenStream(cause);
  }
  if (rest.trim() !== '') yield rest.trim();
}

async function post({ pool, url, bearer, body, signal }: StreamRequest): Promise<Dispatcher.ResponseData> {
  try {
    return await request(url, {
      dispatcher: pool,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${bearer}`,
        ...tracing()?.context(),
      },
      body: JSON.stringify(body),
      signal,
    });
  } catch (cause) {
    if (cause instanceof errors.HeadersTimeoutError)
      throw new BackendError('timeout', 'no answer in time', { cause });
    throw new BackendError('unreachable', 'cannot be reached', { cause });
  }
}

function toBrokenStream(cause: unknown): BackendError {
  if (cause instanceof BackendError) return cause;
  if (cause instanceof errors.BodyTimeoutError)
    return new BackendError('timeout', 'it fell silent', { cause });
  return new BackendError('failed', 'the connection broke', { cause });
}

async function toBackendError({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<BackendError> {
  const detail = messageOf(await readText(body)) ?? `it replied ${statusCode}`;
  const retryAfterSeconds = secondsOf(headers['retry-after']);
  switch (statusCode) {
    case 401:
    case 403:
      return new BackendError('unauthorized', detail);
    case 404:
      return new BackendError('no_model', detail);
    case 429:
    case 503:
      return new BackendError(isAway(headers) ? 'away' : 'busy', detail, { retryAfterSeconds });
    case 504:
      return new BackendError('timeout', detail);
    default:
      return new BackendError(statusCode < 500 ? 'refused' : 'failed', detail);
  }
}

/** A node whose Ollama is away says so as a problem; one that is full says when to come again, and a full Ollama is terse. */
function isAway(headers: Dispatcher.ResponseData['headers']): boolean {
  return headers['retry-after'] === undefined && headers['content-type'] === 'application/problem+json';
}

async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const bytes of body) {
      text += decoder.decode(bytes as Uint8Array, { stream: true });
      if (text.length > MAX_ERROR_BYTES) break;
    }
  } catch {
    return text; // the status says enough
  }
  return text;
}

/** The text of an error body: Ollama's `error`, OpenAI's `error.message`, or a problem's `detail`. */
function messageOf(text: string): string | undefined {
  const body = parseJson(text);
  const error = memberOf(body, 'error');
  const message = [error, memberOf(error, 'message'), memberOf(body, 'detail')].find(
    (each) => typeof each === 'string',
  );
  return typeof message === 'string' ? message.slice(0, MAX_DETAIL) : undefined;
}

export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function secondsOf(header: string | string[] | undefined): number | undefined {
  const seconds = Number(Array.isArray(header) ? header[0] : header);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}
