import { InvalidArgumentError } from '@commander-js/extra-typings';
import { TASK_LIMITS } from '../contracts/task-values.ts';

const SECOND_MS = 1000;
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/;
const UNIT_MS = { ms: 1, s: SECOND_MS, m: 60 * SECOND_MS, h: 3600 * SECOND_MS };

/** Parser of a whole number between `min` and `max`; others are usage errors. */
export function integer(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** Parser of a page size: outside of 1 to `max` it is moved to the nearest bound (contract §17.2). */
export function pageSize(max: number): (value: string) => number {
  return (value) => {
    if (!/^-?\d+$/.test(value)) throw new InvalidArgumentError('It must be a whole number.');
    return Math.min(Math.max(Number(value), 1), max);
  };
}

/** Milliseconds of a duration such as `2s`, `500ms` or `1m`, at least one second; a bare number means seconds. */
export function intervalMs(value: string): number {
  const [, amount, unit = 's'] = DURATION.exec(value) ?? [];
  const ms = Number(amount ?? NaN) * (isUnit(unit) ? UNIT_MS[unit] : NaN);
  if (ms >= SECOND_MS && ms <= UNIT_MS.h) return ms;
  throw new InvalidArgumentError('It must be a duration from 1s to 1h, such as 2s.');
}

function isUnit(unit: string): unit is keyof typeof UNIT_MS {
  return unit in UNIT_MS;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function uuid(value: string): string {
  if (UUID.test(value)) return value.toLowerCase();
  throw new InvalidArgumentError('It must be a UUID.');
}

/** Collector of an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** Parser of a text that must not be empty. */
export function nonBlank(value: string): string {
  if (value.trim() !== '') return value;
  throw new InvalidArgumentError('It must not be empty.');
}

/** An `Idempotency-Key`: visible ASCII, as it travels in a header. */
export function idempotencyKey(value: string): string {
  if (/^[\x21-\x7e]+$/.test(value) && value.length <= TASK_LIMITS.idempotencyKeyLength) return value;
  throw new InvalidArgumentError(
    `It must be 1 to ${TASK_LIMITS.idempotencyKeyLength} visible ASCII characters.`,
  );
}
