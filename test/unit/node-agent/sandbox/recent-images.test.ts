import { describe, expect, it } from '@jest/globals';
import { RecentImages } from '../../../../node-agent/sandbox/recent-images.ts';

describe('the images used last', () => {
  it('come with the last one first, and no more than asked for', () => {
    const recent = new RecentImages(2, 100);
    for (const image of ['a', 'b', 'a', 'c']) recent.note(image, 0);
    expect(recent.list(1)).toEqual(['c', 'a']);
  });

  it('are forgotten some time after their last use', () => {
    const recent = new RecentImages(3, 100);
    recent.note('a', 0);
    recent.note('b', 50);
    expect(recent.list(99)).toEqual(['b', 'a']);
    expect(recent.list(100)).toEqual(['b']);
    recent.note('b', 140);
    expect(recent.list(200)).toEqual(['b']);
  });
});
