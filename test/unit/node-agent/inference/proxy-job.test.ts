import { describe, expect, it } from '@jest/globals';
import { JobUsage } from '../../../../node-agent/inference/job-usage.ts';
import { eventually } from '../../../support/wait.ts';
import { chat, MODEL, useProxy } from './proxy-harness.ts';

const { model, open } = useProxy();

describe('a call of a job', () => {
  it('says neither how long a model stays in memory nor how the kept one is loaded', async () => {
    const { url } = await open({ kind: 'job' });
    const options = { num_ctx: 512, num_gpu: 0, temperature: 0.5 };
    await (await chat(url, { keep_alive: 0, Keep_Alive: '0s', options, model: 'library/Tiny' })).text();
    await (await chat(url, { keep_alive: 0, options, model: 'other:1b' })).text();
    expect(model().calls.map(({ body }) => body)).toEqual([
      expect.objectContaining({ options: { temperature: 0.5, num_ctx: 8192 } }),
      expect.objectContaining({ options }),
    ]);
    for (const { body } of model().calls)
      expect(JSON.stringify(body).toLowerCase()).not.toContain('keep_alive');
  });
});

describe('the tokens of a job', () => {
  it('are counted of whole replies, of streams, and of what was broken off', async () => {
    const usage = new JobUsage();
    const { url } = await open({ kind: 'job', usage });
    const used = () =>
      usage.report().map(({ calls, ...of }) => [calls, of.prompt_tokens, of.completion_tokens]);
    model().answer({ deltas: ['a', 'b', 'c'], promptTokens: 7 });
    await (await chat(url)).text();
    expect(used()).toEqual([[1, 7, 3]]);
    await (await chat(url, { stream: false })).text();
    expect(used()).toEqual([[2, 14, 6]]);
    await fetch(`${url}/api/tags`);
    await (await chat(url, { model: 'unknown' })).text();
    expect(used()).toEqual([[2, 14, 6]]);
    model().next({ deltas: ['a', 'b', 'c'], pauseAfter: { deltas: 2, until: new Promise(() => undefined) } });
    const stop = new AbortController();
    const reader = (await chat(url, {}, stop.signal)).body?.getReader();
    let text = '';
    while (text.split('\n').length <= 2) text += Buffer.from((await reader?.read())?.value ?? []).toString();
    stop.abort();
    await eventually('it is counted', async () => used()[0]?.[0] === 3);
    expect(used()).toEqual([[3, 14, 8]]);
    expect(usage.report()[0]?.model).toBe(MODEL);
  });

  it('are refused when they are spent, in the form of a problem, and nothing is asked', async () => {
    const { url, metrics } = await open({ kind: 'job', usage: new JobUsage(20) });
    model().answer({ deltas: ['a', 'b', 'c'], promptTokens: 7 });
    const statuses: number[] = [];
    for (let call = 0; call < 4; call += 1) statuses.push((await chat(url)).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
    const refused = await chat(url);
    expect(await refused.json()).toMatchObject({
      status: 429,
      code: 'budget_spent',
      error: expect.stringContaining('an administrator can raise'),
    });
    expect(model().callsTo('POST /api/chat')).toHaveLength(2);
    expect((await fetch(`${url}/api/tags`)).status).toBe(200);
    expect(await metrics()).toContain('calls_total{caller="job",outcome="spent"} 3');
  });

  it('do not bound the orchestrator', async () => {
    const { url } = await open();
    expect((await chat(url)).status).toBe(200);
  });
});
