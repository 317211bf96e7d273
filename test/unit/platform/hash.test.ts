import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hashJson, sha256 } from '../../../platform/hash.ts';

const shuffled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, member]) => [key, shuffled(member)])
      .reverse(),
  );
};

describe('the hash of a value', () => {
  it('does not depend on the order of members', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(hashJson(shuffled(value))).toBe(hashJson(value));
      }),
    );
  });

  it('is the same after a way over the wire', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(hashJson(JSON.parse(JSON.stringify(value)))).toBe(hashJson(value));
      }),
    );
  });

  it('depends on the order of a list, on types and on names', () => {
    const values = [[1, 2], [2, 1], ['1', 2], { a: 1 }, { b: 1 }, {}, [], null, '', 0, false];
    expect(new Set(values.map(hashJson)).size).toBe(values.length);
  });

  it('leaves out members that are not there', () => {
    expect(hashJson({ a: 1, b: undefined })).toBe(hashJson({ a: 1 }));
  });

  it('names its algorithm', () => {
    expect(hashJson(null)).toBe(`sha256:${sha256('null').toString('hex')}`);
    expect(sha256('abc').toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
});
