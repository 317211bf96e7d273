import { describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { TokenCounter } from '../../../../node-agent/inference/call-tokens.ts';

/** Passes a reply through in pieces of so many bytes. */
async function count(contentType: string, text: string, bytes = 7) {
  const counter = new TokenCounter(contentType);
  const all = Buffer.from(text);
  const pieces = Array.from({ length: Math.ceil(all.length / bytes) }, (_, index) =>
    all.subarray(index * bytes, (index + 1) * bytes),
  );
  const passed: Buffer[] = [];
  for await (const chunk of Readable.from(pieces).pipe(counter))
    passed.push(Buffer.from(chunk as Uint8Array));
  return { tokens: counter.tokens, passed: Buffer.concat(passed).toString() };
}

const NDJSON = 'application/x-ndjson';
const SSE = 'text/event-stream';
const line = (value: object): string => `${JSON.stringify(value)}\n`;
const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const END = { done: true, context: Array(3_000).fill(7), prompt_eval_count: 26, eval_count: 259 };

describe('what a reply says of tokens', () => {
  it.each<[string, string, string, object]>([
    ['a stream of Ollama', NDJSON, line({ response: 'Hi' }) + line(END), { prompt: 26, completion: 259 }],
    ['a whole reply of Ollama', 'application/json', JSON.stringify(END), { prompt: 26, completion: 259 }],
    [
      'an embedding',
      'application/json',
      '{"embeddings":[[1]],"prompt_eval_count":8}',
      { prompt: 8, completion: 0 },
    ],
    [
      'a whole reply in the form of OpenAI',
      'application/json',
      '{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}}',
      { prompt: 9, completion: 12 },
    ],
    [
      'a stream in the form of OpenAI with its usage',
      SSE,
      event({ choices: [1] }) +
        event({ usage: { prompt_tokens: 3, completion_tokens: 4 } }) +
        'data: [DONE]\n\n',
      { prompt: 3, completion: 4 },
    ],
    ['a stream that says nothing of it', SSE, event({ a: 1 }).repeat(5), { prompt: 0, completion: 5 }],
    ['a stream that is broken off', NDJSON, line({ response: 'Hi' }).repeat(4), { prompt: 0, completion: 4 }],
    ['what is no answer', 'text/plain', 'ok\n\n', { prompt: 0, completion: 0 }],
  ])('is read of %s, which passes unchanged', async (_, contentType, text, tokens) => {
    expect(await count(contentType, text)).toEqual({ tokens, passed: text });
    expect(await count(contentType, text, 100_000)).toEqual({ tokens, passed: text });
  });

  it('is not taken from what the model says', async () => {
    const said = line({ response: '"eval_count": 0, "prompt_eval_count":0' });
    expect((await count(NDJSON, said + line(END))).tokens).toEqual({ prompt: 26, completion: 259 });
    expect((await count(NDJSON, line(END).trimEnd() + said)).tokens).toEqual({ prompt: 26, completion: 259 });
  });
});
