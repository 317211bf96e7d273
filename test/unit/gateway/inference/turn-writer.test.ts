import { describe, expect, it } from '@jest/globals';
import { CynodeError } from '../../../../contracts/errors.ts';
import { createTurnWriter } from '../../../../gateway/inference/turn-records.ts';
import type { TurnRecords } from '../../../../gateway/inference/turn-records.ts';

const FENCE = { turnId: 't', epoch: 2 };
const ANSWER = { text: 'abc', finishReason: 'stop', promptTokens: 1, completionTokens: 3 };

/** Keeps what is written; a write is slow, or fails from `failsAt` on. */
function recorded(options: { readonly writeMs?: number; readonly failsAt?: number } = {}) {
  const chunks: [number, string][] = [];
  const answers: unknown[] = [];
  const records: TurnRecords = {
    append: async (fence, seq, text) => {
      await new Promise((resolve) => setTimeout(resolve, options.writeMs ?? 0));
      if (seq >= (options.failsAt ?? Number.POSITIVE_INFINITY))
        throw new CynodeError('turn_superseded', `${fence.turnId} is another's`);
      chunks.push([seq, text]);
    },
    answer: async (_fence, answer) => void answers.push(answer),
    busy: async () => {
      throw new Error('nobody asked for that');
    },
  };
  return { chunks, answers, records };
}

const pause = (ms: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, ms));

describe('what a model says in a turn', () => {
  it('is written at once first, then gathered, and wholly before the answer', async () => {
    const { chunks, answers, records } = recorded();
    const writer = createTurnWriter(records, FENCE);
    writer.push('a');
    await pause(10);
    expect(chunks).toEqual([[1, 'a']]);
    for (const text of ['b', 'c', 'd']) writer.push(text);
    await pause(10);
    expect(chunks).toHaveLength(1);
    await pause(100);
    writer.push('e');
    await writer.finish(ANSWER);
    expect(chunks).toEqual([
      [1, 'a'],
      [2, 'bcd'],
      [3, 'e'],
    ]);
    expect(answers).toEqual([ANSWER]);
  });

  it('stays in order while writing is slow', async () => {
    const { chunks, records } = recorded({ writeMs: 120 });
    const writer = createTurnWriter(records, FENCE);
    for (let n = 0; n < 20; n += 1) {
      writer.push(`${n} `);
      await pause(10);
    }
    await writer.finish(ANSWER);
    expect(chunks.map(([seq]) => seq)).toEqual(chunks.map((_chunk, index) => index + 1));
    expect(chunks.map(([, text]) => text).join('')).toBe(
      Array.from({ length: 20 }, (_, n) => `${n} `).join(''),
    );
  });

  it('is refused from the moment another execution has begun, and there is no answer then', async () => {
    const { answers, records } = recorded({ failsAt: 2 });
    const writer = createTurnWriter(records, FENCE);
    writer.push('a');
    await pause(10);
    expect(writer.failed.aborted).toBe(false);
    writer.push('b');
    await pause(100);
    expect(writer.failed.reason).toMatchObject({ code: 'turn_superseded' });
    await expect(writer.finish(ANSWER)).rejects.toMatchObject({ code: 'turn_superseded' });
    await writer.abandon();
    expect(answers).toEqual([]);
  });
});
