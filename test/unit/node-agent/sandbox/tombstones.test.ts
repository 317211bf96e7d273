import { describe, expect, it } from '@jest/globals';
import { Tombstones } from '../../../../node-agent/sandbox/tombstones.ts';

describe('tombstones', () => {
  it('stand for ten minutes', () => {
    let nowMs = 0;
    const tombstones = new Tombstones(() => nowMs);
    tombstones.add('a');
    nowMs = 599_999;
    expect(tombstones.has('a')).toBe(true);
    nowMs = 600_000;
    expect(tombstones.has('a')).toBe(false);
    expect(tombstones.has('b')).toBe(false);
  });

  it('are bounded: the oldest ones make room', () => {
    const tombstones = new Tombstones(() => 0);
    for (let index = 0; index < 10_001; index++) tombstones.add(String(index));
    expect(tombstones.has('0')).toBe(false);
    expect(tombstones.has('1')).toBe(true);
    expect(tombstones.has('10000')).toBe(true);
  });
});
