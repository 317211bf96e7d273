import { ERRORS } from '../../../contracts/errors.ts';
import type { ErrorCode } from '../../../contracts/errors.ts';

/** What a stored failure code means and what to do; the code itself when it is not in our table. */
export function describeFailure(code: string): string {
  return isErrorCode(code) ? ERRORS[code].help : code;
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}
