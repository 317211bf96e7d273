import { Agent, errors, request } from 'undici';
import type { Dispatcher } from 'undici';
import { CynodeError } from '../../contracts/errors.ts';
import { errorCodeOfOpenAi } from '../../contracts/inference.ts';
import { tracing } from '../tracing.ts';
import { toStatusError } from './client.ts';

export interface EventsRequest {
  readonly url: string;
  readonly bearer: string;
  readonly body: object;
  readonly signal: AbortSignal;
}

/** Client for replies of server-sent events of our own services. */
export interface EventsClient extends AsyncDisposable {
  /**
   * The data of each event as it comes. Leaving the loop closes the connection.
   * @throws CynodeError with the code that the reply names, `inference_timeout` when the server falls silent,
   * `unavailable` when it cannot be reached or the connection breaks
   */
  post(request: EventsRequest): AsyncGenerator<string, void, undefined>;
}

const SECOND_MS = 1000;
/** The router gives a sign of life every ten seconds, also while a model thinks. */
const SILENCE_MS = 120 * SECOND_MS;
const MAX_ERROR_BYTES = 64 * 1024;
/** An event of ours has some hundred characters. */
const MAX_EVENT_CHARACTERS = 1024 * 1024;

/** @param silenceMs for how long a server may say nothing */
export function createEventsClient(silenceMs = SILENCE_MS): EventsClient {
  const dispatcher = new Agent({
    keepAliveTimeout: 30 * SECOND_MS,
    connections: 256,
    connectTimeout: 5 * SECOND_MS,
    headersTimeout: silenceMs,
    bodyTimeout: silenceMs,
  });
  return {
    post: (options) => readEvents(dispatcher, options),
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  };
}

async function* readEvents(
  dispatcher: Agent,
  options: EventsRequest,
): AsyncGenerator<string, void, undefined> {
  const reply = await open(dispatcher, options);
  if (reply.statusCode >= 300) throw await toError(reply, options.url);
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of reply.body) {
      rest += decoder.decode(chunk as Uint8Array, { stream: true }); // a body without an encoding gives bytes
      if (rest.length > MAX_EVENT_CHARACTERS) throw new Error('an event is too long');
      const events = rest.split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) yield* dataOf(event);
    }
  } catch (cause) {
    if (options.signal.aborted || cause instanceof CynodeError) throw cause;
    if (cause instanceof errors.BodyTimeoutError) throw silent(cause);
    throw new CynodeError('unavailable', 'the connection to the model router broke', { cause });
  }
}

async function open(dispatcher: Agent, options: EventsRequest): Promise<Dispatcher.ResponseData> {
  const { url, bearer, body, signal } = options;
  try {
    return await request(url, {
      dispatcher,
      method: 'POST',
      signal,
      headers: {
        accept: 'text/event-stream',
        'content-type': 'application/json',
        authorization: `Bearer ${bearer}`,
        ...tracing()?.context(),
      },
      body: JSON.stringify(body),
    });
  } catch (cause) {
    if (cause instanceof errors.HeadersTimeoutError) throw silent(cause);
    throw new CynodeError('unavailable', `${new URL(url).origin} cannot be reached`, { cause });
  }
}

/** It would hardly be quicker the next time. */
function silent(cause: unknown): CynodeError {
  return new CynodeError('inference_timeout', 'the model router said nothing for too long', { cause });
}

function* dataOf(event: string): Generator<string, void, undefined> {
  const lines = event.split('\n').filter((line) => line.startsWith('data:'));
  if (lines.length > 0) yield lines.map((line) => line.slice('data:'.length).trimStart()).join('\n');
}

/** Errors of the router have OpenAI's form; others are problems. */
async function toError({ statusCode, body }: Dispatcher.ResponseData, url: string): Promise<CynodeError> {
  const text = (await body.text()).slice(0, MAX_ERROR_BYTES);
  const named = /"code":"(\w+)"/.exec(text)?.[1];
  const code = named === undefined ? undefined : errorCodeOfOpenAi(named);
  const error = toStatusError(statusCode, text, url);
  return code === undefined ? error : new CynodeError(code, error.message);
}
