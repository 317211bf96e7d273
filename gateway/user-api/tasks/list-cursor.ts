import { z } from 'zod';
import type { TaskPosition } from '../../../schema/tasks/queries.ts';

/**
 * Where a page of the task list starts. On the wire it is a decimal string (contract §5.3): a short one is an offset; the
 * ones we hand out are long and hold creation time, id and offset, so that a page does not shift when tasks come or go.
 */
export interface ListStart {
  readonly offset: number;
  readonly after: TaskPosition | null;
}

const MAX_OFFSET_DIGITS = 9;
/** Microseconds until the year 2286; a 128-bit id in decimal. */
const TIME_DIGITS = 16;
const ID_DIGITS = 39;
const MAX_ID = 2n ** 128n - 1n;
const LONG_CURSOR = new RegExp(`^(\\d{${TIME_DIGITS}})(\\d{${ID_DIGITS}})(\\d{1,${MAX_OFFSET_DIGITS}})$`);
const SHORT_CURSOR = new RegExp(`^\\d{1,${MAX_OFFSET_DIGITS}}$`);

/** Parses the query's `cursor`. */
export const cursorSchema = z.string().transform((text, context): ListStart => {
  const start = parseCursor(text);
  if (start !== null) return start;
  context.addIssue('must be the next_cursor of a page before');
  return z.NEVER;
});

function parseCursor(text: string): ListStart | null {
  if (SHORT_CURSOR.test(text)) return { offset: Number(text), after: null };
  const [, createdUs, id, offset] = LONG_CURSOR.exec(text) ?? [];
  if (createdUs === undefined || id === undefined || BigInt(id) > MAX_ID) return null;
  return { offset: Number(offset), after: { createdUs, id: toUuid(BigInt(id)) } };
}

export function formatCursor(after: TaskPosition, offset: number): string {
  const id = BigInt(`0x${after.id.replaceAll('-', '')}`);
  return `${after.createdUs.padStart(TIME_DIGITS, '0')}${id.toString().padStart(ID_DIGITS, '0')}${offset}`;
}

function toUuid(id: bigint): string {
  const hex = id.toString(16).padStart(32, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
