import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { idempotencyKey, integer, intervalMs, pageSize, uuid } from '../../../cli/args.ts';

describe('option values of cynork', () => {
  it('reads durations in ms, s, m and h, and a bare number as seconds', () => {
    expect([
      intervalMs('2s'),
      intervalMs('2'),
      intervalMs('1500ms'),
      intervalMs('1.5s'),
      intervalMs('2m'),
    ]).toEqual([2000, 2000, 1500, 1500, 120_000]);
  });

  it.each(['0s', '999ms', '0.5', '-2s', '2x', '', '2 s', '2h', 'NaN', '1e3'])(
    'refuses %j as an interval',
    (value) => {
      expect(() => intervalMs(value)).toThrow('from 1s to 1h');
    },
  );

  it('moves a page size into its bounds', () => {
    fc.assert(
      fc.property(fc.integer(), (size) => {
        const got = pageSize(200)(String(size));
        return got >= 1 && got <= 200 && (size < 1 || size > 200 || got === size);
      }),
    );
  });

  it('accepts whole numbers within bounds and nothing else', () => {
    const parse = integer(1, 10);
    expect(parse('10')).toBe(10);
    for (const value of ['0', '11', '1.5', '-1', 'x', '', '1e1', '0x1']) expect(() => parse(value)).toThrow();
  });

  it('accepts UUIDs in any case and gives them in lower case', () => {
    fc.assert(fc.property(fc.uuid(), (id) => uuid(id.toUpperCase()) === id));
    expect(() => uuid('not-a-uuid')).toThrow('must be a UUID');
  });

  it('refuses idempotency keys that no header can carry', () => {
    expect(idempotencyKey('nightly-2026-03-01')).toBe('nightly-2026-03-01');
    for (const key of ['', 'a b', 'ü', 'a\n', 'k'.repeat(256)]) expect(() => idempotencyKey(key)).toThrow();
  });
});
