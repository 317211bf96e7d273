import { ERRORS } from '../../../contracts/errors.ts';
import type { ErrorCode } from '../../../contracts/errors.ts';

/** What a stored failure code means and what to do; the code itself when it is not in our table. */
export function describeFailure(code: string): string {
  return isErrorCode(code) ? ERRORS[code].help : code;
}

/** Whether a stored code is of our table. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}
