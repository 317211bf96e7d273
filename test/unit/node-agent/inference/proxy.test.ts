import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../../support/wait.ts';
import { chat, contents, useProxy } from './proxy-harness.ts';

const MEBIBYTE = 1024 * 1024;
const { model, open, defer } = useProxy();

describe("the proxy of a node's Ollama", () => {
  it('passes on each piece as soon as it comes', async () => {
    const { url } = await open();
    const rest = Promise.withResolvers<void>();
    model().next({ deltas: ['one', ' two'], pauseAfter: { deltas: 1, until: rest.promise } });
    const pieces: string[] = [];
    const reply = await chat(url);
    for await (const bytes of reply.body ?? []) {
      pieces.push(contents(Buffer.from(bytes as Uint8Array).toString()));
      rest.resolve();
    }
    expect(pieces[0]).toBe('one');
    expect(pieces.join('')).toBe('one two');
  });

  it('ends the generation when the caller goes', async () => {
    const { url, proxy, metrics } = await open();
    const never = Promise.withResolvers<void>();
    model().next({ pauseAfter: { deltas: 1, until: never.promise } });
    const stop = new AbortController();
    const reply = await chat(url, {}, stop.signal);
    await reply.body?.getReader().read();
    expect(proxy.load.active).toBe(1);
    stop.abort();
    await eventually('the model server sees it', async () => model().calls[0]?.outcome === 'gone');
    await eventually('the place is free', async () => proxy.load.active === 0);
    expect(await metrics()).toContain('calls_total{caller="orchestrator",outcome="caller_gone"} 1');
    never.resolve();
  });

  it('lets a caller that waits go without having asked the model', async () => {
    const { url, proxy } = await open({ active: 1 });
    const end = Promise.withResolvers<void>();
    model().next({ startsWhen: end.promise });
    const first = chat(url);
    await eventually('the first is at the model', async () => model().calls.length === 1);
    const stop = new AbortController();
    const second = chat(url, {}, stop.signal);
    await eventually('the second waits', async () => proxy.load.queued === 1);
    stop.abort();
    await expect(second).rejects.toThrow();
    await eventually('nobody waits', async () => proxy.load.queued === 0);
    end.resolve();
    expect((await first).status).toBe(200);
    expect(model().calls.length).toBe(1);
  });

  it('says 503 with Retry-After when too many wait, and answers all that may', async () => {
    const { url, proxy } = await open({ active: 1, waiting: 1 });
    const end = Promise.withResolvers<void>();
    model().answer({ startsWhen: end.promise });
    const first = chat(url);
    const second = chat(url);
    await eventually('one waits', async () => proxy.load.queued === 1);
    const third = await chat(url, { model: undefined, Model: 'tiny' });
    expect([third.status, third.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await third.json()).toMatchObject({ code: 'unavailable', error: expect.stringMatching(/busy/) });
    end.resolve();
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
  });

  it('refuses more than 10 MiB with 413, whether the size is said before or not', async () => {
    const { url } = await open();
    const large = 'x'.repeat(10 * MEBIBYTE);
    expect((await chat(url, { large })).status).toBe(413);
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let mebibytes = 0; mebibytes < 12; mebibytes++) yield new Uint8Array(MEBIBYTE);
    }
    const body = ReadableStream.from(pieces());
    const unsaid = await fetch(`${url}/api/chat`, { method: 'POST', body, duplex: 'half' });
    expect(unsaid.status).toBe(413);
    expect(model().calls).toEqual([]);
    expect((await chat(url, { large: 'x'.repeat(9 * MEBIBYTE) })).status).toBe(200);
  });

  it('lets nothing through that would change the models, nor any other path', async () => {
    const { url } = await open();
    const asked = [
      ['POST', '/api/pull'],
      ['POST', '/api/create'],
      ['DELETE', '/api/delete'],
      ['POST', '/api/copy'],
      ['POST', '/api/push'],
      ['GET', '/api/chat'],
      ['GET', '/api/../api/tags/x'],
      ['GET', '/constructor'],
      ['GET', '/'],
    ] as const;
    for (const [method, path] of asked) {
      const reply = await fetch(`${url}${path}`, { method, ...(method === 'POST' ? { body: '{}' } : {}) });
      expect([method, path, reply.status]).toEqual([method, path, 404]);
    }
    expect(model().calls).toEqual([]);
    expect((await fetch(`${url}/api/tags`)).status).toBe(200);
  });

  it('keeps tokens, cookies and origins to itself', async () => {
    const seen = Promise.withResolvers<IncomingHttpHeaders>();
    const upstream = createServer((request, response) => {
      seen.resolve(request.headers);
      response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'a=b' }).end('{}');
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    defer(() => void upstream.close());
    const port = (upstream.address() as AddressInfo).port;
    const { url } = await open({ baseUrl: () => `http://127.0.0.1:${String(port)}` });
    const headers = {
      authorization: 'Bearer secret',
      cookie: 'c=d',
      origin: 'http://elsewhere',
      te: 'trailers',
    };
    const reply = Promise.withResolvers<IncomingHttpHeaders>();
    httpRequest(`${url}/api/tags`, { headers }, (incoming) => reply.resolve(incoming.resume().headers)).end();
    expect((await reply.promise)['set-cookie']).toBeUndefined();
    expect(Object.keys(await seen.promise).sort()).toEqual(['connection', 'host']);
  });

  it('passes on what the Ollama refuses', async () => {
    const { url } = await open();
    const reply = await chat(url, { model: 'other' });
    expect(reply.status).toBe(404);
    expect(await reply.json()).toEqual({ error: expect.stringContaining('not found') });
  });

  it('says 503 when there is no Ollama and when it does not listen, 502 when it breaks off before an answer', async () => {
    const none = await open({ baseUrl: () => undefined });
    const away = await chat(none.url);
    expect([away.status, await away.json()]).toEqual([
      503,
      expect.objectContaining({ code: 'model_unavailable', detail: expect.stringContaining('because') }),
    ]);
    const { url } = await open();
    model().next({ cutAfter: 0 });
    expect((await chat(url)).status).toBe(502);
    await model().stop();
    expect((await chat(url)).status).toBe(503);
  });

  it('breaks a reply off that the Ollama breaks off, so that it does not look whole', async () => {
    const { url, proxy } = await open();
    model().next({ cutAfter: 2 });
    const reply = await chat(url);
    expect(reply.status).toBe(200);
    await expect(reply.text()).rejects.toThrow();
    await eventually('the place is free', async () => proxy.load.active === 0);
  });

  it('gives up a model that says nothing for too long, and waiting for too long', async () => {
    const { url, proxy } = await open({ active: 1, idleMs: 1_500 });
    const never = Promise.withResolvers<void>();
    model().answer({ startsWhen: never.promise });
    const first = chat(url);
    await eventually('the first is at the model', async () => model().calls.length === 1);
    const waiting = chat(url);
    const [silent, waited] = await Promise.all([first, waiting]);
    expect(silent.status).toBe(504);
    expect([503, 504]).toContain(waited.status);
    expect(proxy.load).toEqual({ active: 0, queued: 0 });
    never.resolve();
  });
});
