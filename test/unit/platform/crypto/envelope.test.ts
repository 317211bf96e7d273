import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createEnvelope } from '../../../../platform/crypto/envelope.ts';

const envelope = createEnvelope(['the current secret']);
const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed());

describe('the envelope', () => {
  it('gives back what was sealed, and only in the same context', () => {
    fc.assert(
      fc.property(text, text, text, (plaintext, context, other) => {
        const sealed = envelope.seal(plaintext, context);
        expect(envelope.open(sealed, context)).toBe(plaintext);
        if (other !== context) expect(() => envelope.open(sealed, other)).toThrow();
      }),
    );
  });

  it('never seals the same text into the same bytes', () => {
    const sealed = Array.from({ length: 100 }, () =>
      envelope.seal('secret', 'node:1').ciphertext.toString('hex'),
    );
    expect(new Set(sealed).size).toBe(100);
  });

  it('refuses bytes that were changed, cut or lengthened', () => {
    fc.assert(
      fc.property(text, fc.nat(), fc.integer({ min: 1, max: 255 }), (plaintext, at, flip) => {
        const { kid, ciphertext } = envelope.seal(plaintext, 'node:1');
        const changed = Buffer.from(ciphertext);
        const index = at % changed.length;
        changed[index] = (changed[index] ?? 0) ^ flip;
        expect(() => envelope.open({ kid, ciphertext: changed }, 'node:1')).toThrow();
        expect(() => envelope.open({ kid, ciphertext: ciphertext.subarray(0, index) }, 'node:1')).toThrow();
        expect(() =>
          envelope.open({ kid, ciphertext: Buffer.concat([ciphertext, changed]) }, 'node:1'),
        ).toThrow();
      }),
    );
  });

  it('refuses a short tag, which could be guessed', () => {
    const { kid, ciphertext } = envelope.seal('', 'node:1');
    for (const tagBytes of [4, 8, 12, 13, 14, 15]) {
      expect(() =>
        envelope.open({ kid, ciphertext: ciphertext.subarray(0, 12 + tagBytes) }, 'node:1'),
      ).toThrow('the sealed data is cut short');
    }
  });

  it('opens what an earlier secret sealed, and seals with the current one', () => {
    const sealed = envelope.seal('token', 'node:1');
    const rotated = createEnvelope(['the next secret', 'the current secret', 'the oldest']);
    expect(rotated.open(sealed, 'node:1')).toBe('token');
    expect(rotated.seal('token', 'node:1').kid).not.toBe(sealed.kid);
    expect(createEnvelope(['the next secret']).open(rotated.seal('token', 'node:1'), 'node:1')).toBe('token');
  });

  it('says which secret is missing, by its key id', () => {
    const sealed = envelope.seal('token', 'node:1');
    expect(() => createEnvelope(['the next secret']).open(sealed, 'node:1')).toThrow(
      `no master secret for key id ${sealed.kid}: add the old one to JWT_SECRET_PREVIOUS`,
    );
  });

  it('refuses bytes under the key id of another secret', () => {
    const both = createEnvelope(['the next secret', 'the current secret']);
    const { ciphertext } = envelope.seal('token', 'node:1');
    expect(() => both.open({ kid: both.seal('', '').kid, ciphertext }, 'node:1')).toThrow();
  });
});
