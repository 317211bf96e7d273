import { describe, expect, it } from '@jest/globals';
import { readOptions } from '../../../bench/options.ts';
import { replaceTables } from '../../../bench/report/markdown.ts';
import { compared, single, verdictOf, type BenchResult, type Target } from '../../../bench/report/result.ts';
import { formatText } from '../../../bench/report/text.ts';

const HEAD = { section: 'noop', what: 'submit → result', unit: 'ms' } as const;

function rowOf(ours: number, other: number, target?: Target) {
  return compared(HEAD, { name: 'ours', rounds: [[ours]] }, { name: 'bare', rounds: [[other]] }, target);
}

const RESULT: BenchResult = {
  startedAt: '2026-01-01T00:00:00.000Z',
  machine: {
    cpu: 'Some CPU',
    cores: 2,
    memoryGb: 24,
    node: 'v24.0.0',
    temporal: 'temporal 1',
    docker: '20',
    postgres: 'PostgreSQL 18',
    commit: 'abc',
    busy: 0.01,
    load: 0.1,
  },
  rows: [
    rowOf(90, 60, { is: 'at most', target: 1.6, aim: 1.2 }),
    single({ section: 'memory', what: 'memory: user-api', unit: 'MB' }, 'user-api', [123.4]),
  ],
};

describe('report of the benchmark', () => {
  it('says whether a ratio is what was wanted', () => {
    const atMost = { is: 'at most', target: 1.6, aim: 1.2 } as const;
    expect(verdictOf(rowOf(12, 10, atMost))).toBe('aim');
    expect(verdictOf(rowOf(15, 10, atMost))).toBe('met');
    expect(verdictOf(rowOf(17, 10, atMost))).toBe('missed');
    expect(verdictOf(rowOf(7, 10, { is: 'at least', target: 0.8 }))).toBe('missed');
    expect(verdictOf(rowOf(8, 10, { is: 'at least', target: 0.8 }))).toBe('met');
    expect(verdictOf(rowOf(8, 10))).toBeUndefined();
  });

  it('prints value, range, ratio and what was wanted of it', () => {
    const text = formatText(RESULT);
    expect(text).toContain('ratio  1.50 (1.50–1.50)  ≤ 1.60 (aim 1.20): met');
    expect(text).toContain('user-api  123');
  });

  it('puts its tables between the marks of a document, again and again', () => {
    const document = 'before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n';
    const once = replaceTables(document, RESULT);
    expect(once).toMatch(/^before\n/);
    expect(once).toMatch(/\nafter\n$/);
    expect(once).not.toContain('old');
    expect(once).toContain('| submit → result [ms] |');
    expect(replaceTables(once, RESULT)).toBe(once);
  });

  it('refuses a document without the marks', () => {
    expect(() => replaceTables('nothing', RESULT)).toThrow('bench:begin');
  });
});

describe('options of the benchmark', () => {
  it('measures everything but the start when nothing is said', () => {
    expect(readOptions([]).only).toEqual([
      ...['noop', 'waterfall', 'throughput', 'cost', 'docker', 'gateway', 'inference', 'cynork', 'memory'],
    ]);
  });

  it('takes a list of parts, and refuses one that it does not know', () => {
    expect(readOptions(['--only', 'noop,start']).only).toEqual(['noop', 'start']);
    expect(() => readOptions(['--only', 'nope'])).toThrow();
    expect(() => readOptions(['--rounds', '0'])).toThrow();
  });
});
