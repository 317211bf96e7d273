import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createModelPort } from '../../../../activities/agent/ports.ts';
import { CynodeError } from '../../../../contracts/errors.ts';
import type { ModelEvent } from '../../../../gateway/inference/backends/backend.ts';
import { answerInOpenAiForm } from '../../../../gateway/shared/openai-errors.ts';
import { eventTexts } from '../../../../gateway/inference/reply.ts';
import { streamEvents } from '../../../../gateway/inference/stream.ts';
import { createHttpClient } from '../../../../platform/http/client.ts';
import { createEventsClient } from '../../../../platform/http/events.ts';
import { createHttpApp } from '../../../../platform/http/server.ts';
import { createLogger } from '../../../../platform/logger.ts';
import { createMetrics } from '../../../../platform/metrics.ts';
import { eventually } from '../../../support/wait.ts';

const used: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of used.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

const SILENCE_MS = 100;
const TEXT: ModelEvent = { kind: 'text', text: 'at last' };
const END: ModelEvent = {
  kind: 'end',
  finishReason: 'stop',
  usage: { promptTokens: null, completionTokens: null },
};

/** A router that says what `say` yields. @returns its URL */
async function routerThat(say: (closed: Promise<unknown>) => AsyncGenerator<ModelEvent, void, undefined>) {
  const app = createHttpApp({
    role: 'test',
    logger: createLogger({ role: 'test', level: 'silent' }),
    metrics: createMetrics(),
    bodyLimitBytes: 1024,
    tooLarge: 'validation',
    readiness: async () => null,
  });
  void app.register(async (scope) => {
    answerInOpenAiForm(scope, { tooLarge: new CynodeError('payload_too_large', 'less') });
    scope.post('/v1/chat/completions', (request, reply) => {
      const closed = new Promise((resolve) => reply.raw.once('close', resolve));
      const texts = eventTexts({ id: 'x', created: 0, model: 'm' }, false);
      return streamEvents({ request, reply, texts, events: say(closed), silenceMs: SILENCE_MS });
    });
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  used.push({ [Symbol.asyncDispose]: () => app.close() });
  return url;
}

async function readAll(texts: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const text of texts) all.push(text);
  return all;
}

const ask = (url: string, signal?: AbortSignal): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
    ...(signal && { signal }),
  });

describe('a streamed answer that lets one wait', () => {
  it('gives signs of life, so that whoever takes silence for death reads it to its end', async () => {
    const url = await routerThat(async function* () {
      await pause(8 * SILENCE_MS);
      yield TEXT;
      await pause(25 * SILENCE_MS); // undici sees silence in a body after a second or two
      yield END;
    });
    const raw = await (await ask(url)).text();
    expect(raw.match(/^: /gm)?.length).toBeGreaterThanOrEqual(4);
    expect(raw).toMatch(/^: [^\n]*\n\n(.|\n)*"content":"at last"(.|\n)*data: \[DONE\]\n\n$/);

    const [http, events] = [createHttpClient(), createEventsClient(4 * SILENCE_MS)];
    used.push(http, events);
    const model = createModelPort({ controlPlaneUrl: url, http, events, serviceToken: async () => '' });
    const question = { model: null, messages: [], options: {}, token: 't' };
    const said = await readAll(model.ask(question, new AbortController().signal));
    expect(said).toEqual(['at last']);
  });

  it('tells what fails after that in the stream, and what fails before it by its status', async () => {
    const fail = (ms: number) =>
      async function* (): AsyncGenerator<ModelEvent, void, undefined> {
        yield await pause(ms).then(() => {
          throw new CynodeError('model_unavailable', 'no node has it');
        });
      };
    const late = await ask(await routerThat(fail(3 * SILENCE_MS)));
    expect(late.status).toBe(200);
    expect(await late.text()).toMatch(
      /data: {"error":{"message":"no node has it",.*"code":"model_unavailable"/,
    );
    const soon = await ask(await routerThat(fail(0)));
    expect(soon.status).toBe(503);
  });

  it('of a router that says nothing at all is given up as too slow, not as unreachable', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    used.push({ [Symbol.asyncDispose]: async () => void server.close() });
    const events = createEventsClient(SILENCE_MS);
    used.push(events);
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { signal } = new AbortController();
    const data = events.post({ url: `http://127.0.0.1:${port}/`, bearer: 't', body: {}, signal });
    await expect(readAll(data)).rejects.toMatchObject({ code: 'inference_timeout' });
  });
});

describe('a caller that has gone', () => {
  it('ends the call also when that was just before the first word', async () => {
    let ended = false;
    const begun = Promise.withResolvers<void>();
    const url = await routerThat(async function* (closed) {
      try {
        begun.resolve();
        await closed;
        yield TEXT;
        yield END;
      } finally {
        ended = true;
      }
    });
    const gone = new AbortController();
    const asked = ask(url, gone.signal).catch(() => undefined);
    await begun.promise;
    gone.abort();
    await asked;
    await eventually('the call ends', async () => ended);
  });
});
