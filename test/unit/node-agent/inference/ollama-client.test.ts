import { createServer, type RequestListener } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createOllamaClient, type OllamaClient } from '../../../../node-agent/inference/ollama-client.ts';

const stack: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const release of stack.splice(0).reverse()) await release();
});

const over = new AbortController().signal;

async function serve(listener: RequestListener): Promise<OllamaClient> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const client = createOllamaClient(`http://127.0.0.1:${address.port}`);
  stack.push(
    () => new Promise((resolve) => server.close(resolve)),
    async () => server.closeAllConnections(),
    async () => client[Symbol.asyncDispose](),
  );
  return client;
}

/** Says these lines, in the pieces they are given. */
function says(...pieces: string[]): RequestListener {
  return (_request, reply) => {
    for (const piece of pieces) reply.write(piece);
    reply.end();
  };
}

const pull = (client: OllamaClient, onPercent: (percent: number) => void = () => undefined) =>
  client.pull('tiny:1b', onPercent, over);

describe('a pull', () => {
  it('tells how far all layers are together, also when lines come in pieces', async () => {
    const client = await serve(
      says(
        '{"status":"pulling manifest"}\n{"status":"pulling a","digest":"sha256:a","to',
        'tal":100,"completed":50}\n',
        '{"status":"pulling b","digest":"sha256:b","total":300,"completed":50}\n{"status":"succ',
        'ess"}',
      ),
    );
    const seen: number[] = [];
    await pull(client, (percent) => seen.push(percent));
    expect(seen).toEqual([50, 25]);
  });

  it('fails with the error that comes in a reply with status 200', async () => {
    const client = await serve(says('{"status":"pulling manifest"}\n{"error":"no such host"}\n'));
    await expect(pull(client)).rejects.toMatchObject({ kind: 'refused', message: 'no such host' });
  });

  it('fails when the stream ends before it was done, and when the connection is cut', async () => {
    const ended = await serve(says('{"status":"pulling manifest"}\n'));
    await expect(pull(ended)).rejects.toMatchObject({ kind: 'away' });
    const cut = await serve((_request, reply) => {
      reply.write('{"status":"pulling manifest"}\n', () => reply.destroy());
    });
    await expect(pull(cut)).rejects.toMatchObject({ kind: 'away' });
  });

  it('fails for a line that is no JSON', async () => {
    const client = await serve(says('<html>\n'));
    await expect(pull(client)).rejects.toMatchObject({ kind: 'away' });
  });

  it('ends when it is aborted', async () => {
    const aborted = new AbortController();
    const client = await serve((_request, reply) => {
      reply.write('{"status":"pulling manifest"}\n');
      aborted.abort();
    });
    await expect(client.pull('tiny:1b', () => undefined, aborted.signal)).rejects.toMatchObject({
      kind: 'away',
    });
  });
});

describe('a model that is loaded', () => {
  it('is asked for with its context and time, without a prompt', async () => {
    const asked: unknown[] = [];
    const client = await serve((request, reply) => {
      void text(request).then((body) => {
        asked.push([request.url, JSON.parse(body)]);
        reply.end('{"done":true,"done_reason":"load"}');
      });
    });
    await client.load('tiny:1b', { contextTokens: 2048, keepAlive: -1 }, over);
    expect(asked).toEqual([
      ['/api/generate', { model: 'tiny:1b', stream: false, keep_alive: -1, options: { num_ctx: 2048 } }],
    ]);
  });

  it('is unknown to an Ollama that replies 404', async () => {
    const client = await serve((_request, reply) => {
      reply.writeHead(404).end(JSON.stringify({ error: "model 'tiny:1b' not found" }));
    });
    const load = client.load('tiny:1b', { keepAlive: -1 }, over);
    await expect(load).rejects.toMatchObject({ kind: 'no_model', message: "model 'tiny:1b' not found" });
  });
});

describe('the lists of models', () => {
  it('may be null', async () => {
    const client = await serve(says('{"models":null}'));
    expect(await client.listModels()).toEqual([]);
    expect(await client.listLoaded()).toEqual([]);
  });

  it('are refused from something that is no Ollama, and from nobody', async () => {
    const other = await serve(says('{"models":[{"size":"big"}]}'));
    await expect(other.listModels()).rejects.toMatchObject({ kind: 'away' });
    const nobody = createOllamaClient('http://127.0.0.1:9');
    await expect(nobody.version(500)).rejects.toMatchObject({ kind: 'away' });
    await nobody[Symbol.asyncDispose]();
  });
});

describe('an import', () => {
  it('sends the file once, under its digest, and makes the model of it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'import-'));
    stack.push(() => rm(folder, { recursive: true }));
    const file = join(folder, 'm.gguf');
    await writeFile(file, 'GGUF');
    const calls: string[] = [];
    const stored = new Set<string>();
    const client = await serve((request, reply) => {
      const url = request.url ?? '';
      void text(request).then((body) => {
        calls.push(`${request.method} ${url.slice(0, 25)} ${body}`);
        if (request.method === 'HEAD') return reply.writeHead(stored.has(url) ? 200 : 404).end();
        if (url === '/api/create') return reply.end('{"status":"success"}\n');
        stored.add(url);
        return reply.writeHead(201).end();
      });
    });
    await client.importFile('tiny:1b', file, over);
    await client.importFile('tiny:1b', file, over);
    expect(calls.map((call) => call.split(' ')[0])).toEqual(['HEAD', 'POST', 'POST', 'HEAD', 'POST']);
    expect(calls[1]).toMatch(/^POST \/api\/blobs\/sha256:\w+ GGUF$/);
    expect(calls[2]).toMatch(
      /^POST \/api\/create \{"model":"tiny:1b","files":\{"model.gguf":"sha256:[0-9a-f]{64}"\}\}$/,
    );
  });

  it('of a file that cannot be read says so', async () => {
    const client = await serve(says(''));
    const failed = client.importFile('tiny:1b', '/no/such/file.gguf', over);
    await expect(failed).rejects.toMatchObject({ message: expect.stringContaining('/no/such/file.gguf') });
  });
});
