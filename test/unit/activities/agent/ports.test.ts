import { describe, expect, it } from '@jest/globals';
import { createModelPort } from '../../../../activities/agent/ports.ts';
import type { ControlPlanePorts } from '../../../../activities/agent/ports.ts';

const http: ControlPlanePorts['http'] = {
  send: () => Promise.reject(new Error('not faked')),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** What the model is heard to say when the router sends these events. */
async function heard(...events: readonly string[]): Promise<string> {
  const model = createModelPort({
    controlPlaneUrl: 'http://router',
    http,
    events: {
      post: async function* () {
        yield* events;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    serviceToken: async () => 'token',
  });
  const question = { model: null, messages: [], options: {}, token: 'token' };
  let text = '';
  for await (const piece of model.ask(question, new AbortController().signal)) text += piece;
  return text;
}

const chunk = (content: string, finish_reason: string | null): string =>
  JSON.stringify({
    id: 'x',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta: { content }, finish_reason }],
  });

describe('the answer of the model router', () => {
  it('is its text, up to its end', async () => {
    expect(await heard(chunk('a', null), chunk('b', 'stop'), '[DONE]', chunk('c', null))).toBe('ab');
  });

  it.each([
    ['is cut off', [chunk('a', null)], 'inference_failed'],
    ['ends with an error', [chunk('a', null), '{"error":{"code":"budget_spent"}}'], 'budget_spent'],
    ['ends with an error of another kind', ['{"error":{"code":"x"}}'], 'inference_failed'],
  ])('that %s is a failure', async (_what, events, code) => {
    await expect(heard(...events)).rejects.toMatchObject({ code });
  });

  it('is not quoted when it cannot be read', async () => {
    const failure: unknown = await heard('the answer is hunter2').catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'inference_failed',
      message: expect.not.stringContaining('hunter2'),
    });
    expect(failure).not.toHaveProperty('cause');
  });
});
