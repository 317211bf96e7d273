import { describe, expect, it } from '@jest/globals';
import { CynodeError, ERRORS, exitCodeOfStatus, toProblem } from '../../../contracts/errors.ts';
import type { ErrorCode } from '../../../contracts/errors.ts';

const CODES = Object.keys(ERRORS).filter((code): code is ErrorCode => Object.hasOwn(ERRORS, code));

describe('a problem', () => {
  it.each(CODES)('of %s is what the table says, without an instance', (code) => {
    const { status, type, title } = ERRORS[code];
    expect(toProblem(code)).toEqual({ type, title, status, code });
    expect(toProblem(code, 'what happened')).toEqual({ type, title, status, code, detail: 'what happened' });
    expect(Object.keys(toProblem(code))).not.toContain('detail');
  });

  it.each([
    [400, 'urn:cynodeai:error:validation', 'Bad Request', 'validation'],
    [401, 'urn:cynodeai:error:authentication', 'Unauthorized', 'authentication'],
    [403, 'urn:cynodeai:error:authorization', 'Forbidden', 'authorization'],
    [404, 'urn:cynodeai:error:not_found', 'Not Found', 'not_found'],
    [409, 'https://cynode.ai/specs/conflict', 'Conflict', 'conflict'],
    [413, 'urn:cynodeai:error:validation', 'Request Entity Too Large', 'payload_too_large'],
    [429, 'urn:cynodeai:error:rate_limit', 'Too Many Requests', 'rate_limit'],
    [500, 'urn:cynodeai:error:internal', 'Internal Server Error', 'internal'],
  ] as const)('with status %d has the type and title of the contract', (status, type, title, code) => {
    expect(toProblem(code)).toEqual({ type, title, status, code });
  });
});

describe('an exit code', () => {
  it.each([
    [401, 3],
    [403, 3],
    [404, 4],
    [409, 5],
    [400, 6],
    [422, 6],
    [413, 7],
    [429, 7],
    [500, 7],
    [503, 7],
    [302, 7],
  ])('for status %d is %d', (status, exitCode) => {
    expect(exitCodeOfStatus(status)).toBe(exitCode);
  });

  it('does not depend on whether the code or only the status is known, where it says more than "failed"', () => {
    for (const code of CODES) {
      const { status, exitCode } = ERRORS[code];
      if (exitCodeOfStatus(status) !== 7) expect([code, exitCode]).toEqual([code, exitCodeOfStatus(status)]);
    }
  });
});

describe('an error of the table', () => {
  it('keeps its code, its text for users and its cause', () => {
    const cause = new Error('below');
    const error = new CynodeError('unavailable', 'Try again', { cause });
    expect(error).toMatchObject({ name: 'CynodeError', code: 'unavailable', message: 'Try again', cause });
    expect(error.spec).toBe(ERRORS.unavailable);
    expect(error).toBeInstanceOf(Error);
  });

  it('may be repeated only where a server was at fault or asked to wait', () => {
    const retryable = CODES.filter((code) => ERRORS[code].retryable);
    expect(retryable.filter((code) => ERRORS[code].status < 500)).toEqual(['rate_limit']);
  });
});
