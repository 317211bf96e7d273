import { describe, expect, it } from '@jest/globals';
import { ERRORS } from '../../contracts/errors.ts';
import type { ErrorSpec } from '../../contracts/errors.ts';

/** What is wrong with an entry of the error table, in words. */
function faultsOf(code: string, { status, type, title, exitCode, help }: ErrorSpec): string[] {
  const faults = [
    !/^[a-z]+(_[a-z]+)*$/.test(code) && 'its code is not in snake case',
    (status < 400 || status > 599) && 'its status is none of an error',
    !/^(urn:cynodeai:error:|https:\/\/cynode\.ai\/specs\/)[a-z_]+$/.test(type) && 'its type is none of ours',
    title.trim() === '' && 'it has no title',
    (exitCode < 3 || exitCode > 7) && 'its exit code is none of the contract',
    !/^[A-Z`].{15,}\.$/s.test(help) && 'its help is no sentence',
  ];
  return faults.filter((fault) => fault !== false).map((fault) => `${code}: ${fault}`);
}

describe('the error table', () => {
  it('says of every code what it means and what to do', () => {
    expect(Object.entries(ERRORS).flatMap(([code, spec]) => faultsOf(code, spec))).toEqual([]);
    expect(new Set(Object.values(ERRORS).map(({ help }) => help)).size).toBe(Object.keys(ERRORS).length);
  });

  it('is looked at closely', () => {
    const good = ERRORS.validation;
    for (const change of [
      { help: '' },
      { help: 'oops' },
      { status: 200 },
      { type: 'about:blank' },
      { exitCode: 0 },
    ]) {
      expect(faultsOf('some_code', { ...good, ...change })).toHaveLength(1);
    }
    expect(faultsOf('SomeCode', good)).toHaveLength(1);
    expect(faultsOf('some_code', good)).toEqual([]);
  });
});
