import { describe, expect, it } from '@jest/globals';
import {
  avoidedAt,
  isStillWanted,
  noteFailure,
  noteSuccess,
  pauseMs,
} from '../../../workflows/pm-model/state.ts';
import type { PmModelState } from '../../../workflows/pm-model/state.ts';

const WANTED = { model: 'a', nodeSlug: 'node-01', present: false };

describe('what is avoided', () => {
  it('is left alone for longer each time it fails, and at most ten minutes', () => {
    const state: PmModelState = { asked: false, avoid: [] };
    expect(pauseMs(state, 0)).toBeNull();
    const pauses = Array.from({ length: 8 }, () => {
      noteFailure(state, WANTED, 0);
      return pauseMs(state, 0);
    });
    expect(pauses.slice(0, 3)).toEqual([15_000, 30_000, 60_000]);
    expect(pauses.at(-1)).toBe(600_000);
    expect(avoidedAt(state, 599_999)).toEqual([WANTED]);
    expect(avoidedAt(state, 600_000)).toEqual([]);
    expect(state.avoid).toHaveLength(1);
    noteSuccess(state, WANTED);
    expect(state.avoid).toEqual([]);
  });
});

describe('what is being made ready', () => {
  it('is given up when something else is selected', () => {
    const step = { kind: 'prepare', ...WANTED, contextTokens: 1 } as const;
    expect(isStillWanted(WANTED, step, false)).toBe(true);
    expect(isStillWanted(WANTED, { ...step, nodeSlug: 'node-02' }, false)).toBe(false);
    expect(isStillWanted(WANTED, { kind: 'none' }, false)).toBe(false);
    expect(isStillWanted(WANTED, { kind: 'keep', ...WANTED }, false)).toBe(false);
  });

  it('is given up too when the history has grown long, so that the workflow can continue as new', () => {
    expect(isStillWanted(WANTED, { kind: 'prepare', ...WANTED, contextTokens: 1 }, true)).toBe(false);
  });
});
