import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { answerTokensOf, charactersOf } from '../../../../../contracts/model-context.ts';
import type { TurnMessage } from '../../../../../contracts/turns.ts';
import { readAttachmentTexts } from '../../../../../gateway/control-plane/turns/attachments.ts';
import { fitHistory } from '../../../../../gateway/control-plane/turns/fit.ts';

const said = (...lengths: readonly number[]): TurnMessage[] =>
  lengths.map((length) => ({ role: 'user', content: 'x'.repeat(length) }));

describe('the history that fits', () => {
  it.each([
    [[5, 5, 5], 15, 3],
    [[5, 5, 5], 14, 2],
    [[5, 100, 5], 50, 1],
    [[100, 10], 10, 1],
  ])('of %j with %i characters are the newest %i', (lengths, characters, kept) => {
    const messages = said(...lengths);
    expect(fitHistory(messages, characters)).toEqual(messages.slice(-kept));
  });

  it('always ends with the question, and never has a gap', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), fc.nat(50), fc.nat(200), (earlier, question, more) => {
        const messages = said(...earlier, question);
        const characters = question + more;
        const kept = fitHistory(messages, characters);
        expect(kept.length).toBeGreaterThan(0);
        expect(kept).toEqual(messages.slice(-kept.length));
      }),
    );
  });

  it('has no part of a question', () => {
    expect(() => fitHistory(said(1, 11), 10)).toThrow(/has 11 characters; the model takes 10/);
  });

  it('leaves room for the answer', () => {
    expect(charactersOf(8192)).toBe(6144 * 3);
    expect(answerTokensOf(8192)).toBe(2048);
    expect([charactersOf(null), answerTokensOf(null)]).toEqual([24_000, undefined]);
  });
});

describe('attachments of a prompt', () => {
  const stored = new Map([
    ['text', Buffer.from('blue')],
    ['long', Buffer.from('y'.repeat(50))],
    ['bytes', Buffer.from([0xff, 0xfe])],
  ]);
  const blobs = {
    open: async (sha256: string) => {
      const bytes = stored.get(sha256);
      return bytes === undefined ? null : { sizeBytes: bytes.length, content: Readable.from([bytes]) };
    },
  };
  const read = (...names: readonly string[]): Promise<string> =>
    readAttachmentTexts(
      blobs,
      names.map((name) => ({ path: `${name}.txt`, sha256: name, sizeBytes: stored.get(name)?.length ?? 1 })),
      20,
    );

  it('are shown with their names as far as they are text and fit', async () => {
    expect(await read('text')).toBe('Attachment text.txt:\nblue');
    expect(await read('long', 'text')).toBe(
      'Attachment long.txt is not shown: it is too large.\n\nAttachment text.txt:\nblue',
    );
    expect(await read('bytes')).toContain('it is not text');
    expect(await read('lost')).toContain('it is gone');
  });
});
