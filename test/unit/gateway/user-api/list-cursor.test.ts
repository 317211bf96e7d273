import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cursorSchema, formatCursor } from '../../../../gateway/user-api/tasks/list-cursor.ts';

describe('the cursor of the task list', () => {
  it('comes back as it was handed out, and is decimal', () => {
    fc.assert(
      fc.property(
        fc.uuid(),
        fc.bigInt({ min: 0n, max: 9_999_999_999_999_999n }),
        fc.nat({ max: 999_999_999 }),
        (id, createdUs, offset) => {
          const text = formatCursor({ createdUs: createdUs.toString(), id }, offset);
          expect(text).toMatch(/^\d+$/);
          const { after, ...rest } = cursorSchema.parse(text);
          expect(rest).toEqual({ offset });
          expect(after?.id).toBe(id);
          expect(BigInt(after?.createdUs ?? -1)).toBe(createdUs);
        },
      ),
    );
  });

  it('is an offset when it is short', () => {
    expect(cursorSchema.parse('0')).toEqual({ offset: 0, after: null });
    expect(cursorSchema.parse('150')).toEqual({ offset: 150, after: null });
  });

  it.each(['', 'x', '-1', '1.5', '1'.repeat(10), '9'.repeat(56), randomUUID(), ' 5'])('is not %j', (text) => {
    expect(cursorSchema.safeParse(text).success).toBe(false);
  });
});
