import { describe, expect, it } from '@jest/globals';
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { ERRORS } from '../../../../contracts/errors.ts';
import type { ErrorCode } from '../../../../contracts/errors.ts';
import { codedFailure } from '../../../../platform/temporal/failure.ts';

const CODES = Object.keys(ERRORS).filter((code): code is ErrorCode => Object.hasOwn(ERRORS, code));

describe('a failure that enters Temporal history', () => {
  it('is a code of the error table and nothing else', () => {
    for (const code of CODES) {
      for (const nonRetryable of [true, false]) {
        const failure = defaultFailureConverter.errorToFailure(
          codedFailure(code, { nonRetryable }),
          defaultPayloadConverter,
        );
        expect(failure).toMatchObject({
          message: code,
          applicationFailureInfo: { type: code, nonRetryable },
        });
        expect([failure.stackTrace, failure.cause ?? null]).toEqual(['', null]);
      }
    }
  });
});
