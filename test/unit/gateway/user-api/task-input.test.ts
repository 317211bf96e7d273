import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cleanAttachments } from '../../../../gateway/user-api/tasks/attachments.ts';
import { parseIdempotencyKey } from '../../../../gateway/user-api/tasks/idempotency-key.ts';
import { normaliseTaskName } from '../../../../schema/tasks/names.ts';

describe('task names', () => {
  it.each([
    ['Nightly Build', 'nightly-build'],
    ['  --a__b..c--  ', 'a-b-c'],
    ['???', ''],
    ['', ''],
    ['Größe 10', 'gr-e-10'],
    ['🦄', ''],
  ])('%j is stored as %j', (text, name) => {
    expect(normaliseTaskName(text)).toBe(name);
  });

  it('stay as they are when normalised again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const name = normaliseTaskName(text);
        expect(normaliseTaskName(name)).toBe(name);
        expect(name).toMatch(/^([a-z0-9]+(-[a-z0-9]+)*)?$/);
      }),
    );
  });
});

describe('the Idempotency-Key', () => {
  it('is optional, and else 1 to 255 visible ASCII characters', () => {
    expect(parseIdempotencyKey(undefined)).toBeNull();
    expect(parseIdempotencyKey('a!~')).toBe('a!~');
    expect(parseIdempotencyKey('k'.repeat(255))).toHaveLength(255);
    for (const bad of ['', ' ', 'a b', 'a\t', 'é', 'k'.repeat(256), ['a', 'b']]) {
      expect(() => parseIdempotencyKey(bad)).toThrow(/1 to 255 visible ASCII/);
    }
  });
});

describe('attachments', () => {
  it('are at most 16, counted after dropping', () => {
    const paths = Array.from({ length: 16 }, (_, n) => `f${n}`);
    expect(cleanAttachments([...paths, ...paths, ' ', 'x'.repeat(2049)])).toEqual(paths);
    expect(() => cleanAttachments([...paths, 'one more'])).toThrow(/at most 16/);
  });
});
