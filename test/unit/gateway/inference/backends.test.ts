import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createOllamaBackend } from '../../../../gateway/inference/backends/ollama.ts';
import { createOpenAiBackend } from '../../../../gateway/inference/backends/openai.ts';
import { createBackendPool } from '../../../../gateway/inference/backends/exchange.ts';
import type {
  ModelBackend,
  ModelEvent,
  ModelQuestion,
} from '../../../../gateway/inference/backends/backend.ts';
import { startModelServer } from '../../../support/model-server/model-server.ts';
import type { ModelReply, ModelServer } from '../../../support/model-server/model-server.ts';
import { eventually } from '../../../support/wait.ts';

const pool = createBackendPool();
afterAll(() => pool.destroy());
let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
  server.bearer = 'secret';
});
afterEach(() => server.stop());

const QUESTION: ModelQuestion = {
  model: 'tiny:latest',
  messages: [{ role: 'user', content: 'Hi' }],
  maxTokens: 50,
  temperature: 0.1,
  seed: 7,
  stop: ['END'],
  keepLoaded: false,
};

const BACKENDS: readonly [string, (bearer?: string) => ModelBackend][] = [
  ['Ollama', (bearer = 'secret') => createOllamaBackend({ pool, bearer, baseUrl: server.url })],
  ['OpenAI', (bearer = 'secret') => createOpenAiBackend({ pool, bearer, baseUrl: `${server.url}/v1` })],
];

async function all(backend: ModelBackend, question: ModelQuestion = QUESTION): Promise<ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of backend.chat(question, new AbortController().signal)) events.push(event);
  return events;
}

describe.each(BACKENDS)('a backend that speaks the protocol of %s', (name, make) => {
  it('gives text as it comes, and at the end why it ended and how many tokens it took', async () => {
    server.next({ deltas: ['Grüß', ' ', '🙂'], finishReason: 'length', promptTokens: 3 });
    expect(await all(make())).toEqual([
      { kind: 'text', text: 'Grüß' },
      { kind: 'text', text: ' ' },
      { kind: 'text', text: '🙂' },
      { kind: 'end', finishReason: 'length', usage: { promptTokens: 3, completionTokens: 3 } },
    ]);
    const [call] = server.calls;
    expect(call).toMatchObject({
      bearer: 'secret',
      body: { model: 'tiny:latest', messages: QUESTION.messages },
    });
    const options = name === 'Ollama' ? (call?.body as { options: unknown }).options : call?.body;
    expect(options).toMatchObject({ temperature: 0.1, seed: 7, stop: ['END'] });
  });

  it.each<[string, ModelReply, string]>([
    ['that cuts the connection first', { cutAfter: 0 }, 'unreachable'],
    ['that cuts it in between', { cutAfter: 2 }, 'failed'],
    ['that says so in its stream', { errorAfter: { deltas: 1, message: 'out of memory' } }, 'failed'],
    ['with status 500', { error: { status: 500, message: 'broken' } }, 'failed'],
    ['with status 503', { error: { status: 503, message: 'full' } }, 'busy'],
    ['with status 400', { error: { status: 400, message: 'bad' } }, 'refused'],
    ['with status 504', { error: { status: 504, message: 'slow' } }, 'timeout'],
  ])('tells of a failure %s', async (_how, reply, fault) => {
    server.next(reply);
    await expect(all(make())).rejects.toMatchObject({ fault });
  });

  it('tells of a model that is not there, of a token that is not taken, and of a server that is away', async () => {
    await expect(all(make(), { ...QUESTION, model: 'none' })).rejects.toMatchObject({ fault: 'no_model' });
    await expect(all(make('other'))).rejects.toMatchObject({ fault: 'unauthorized' });
    await server.stop();
    await expect(all(make())).rejects.toMatchObject({ fault: 'unreachable' });
  });

  it('has its words of failures, but not in what goes into a log', async () => {
    server.next({ error: { status: 400, message: 'words of the model' } });
    const error: unknown = await all(make()).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ detail: 'words of the model', message: 'model backend: refused' });
  });

  it('ends the generation when it is aborted', async () => {
    server.next({ pauseAfter: { deltas: 1, until: new Promise(() => undefined) } });
    const aborting = new AbortController();
    const events = make().chat(QUESTION, aborting.signal)[Symbol.asyncIterator]();
    expect(await events.next()).toMatchObject({ value: { text: 'Hello' } });
    aborting.abort();
    await expect(events.next()).rejects.toThrow();
    await eventually('the server sees it', async () => server.calls[0]?.outcome === 'gone', { everyMs: 5 });
  });
});
