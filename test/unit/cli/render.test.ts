import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { colorStatuses } from '../../../cli/render/colors.ts';
import { fieldLine, printable } from '../../../cli/render/fields.ts';
import { toJson } from '../../../cli/render/json.ts';
import { withoutEmptyCursor } from '../../../cli/render/page.ts';

/** Takes a line apart as a script would. */
function parseLine(line: string): Record<string, string> {
  const fields = [...line.matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|\S*)/g)];
  return Object.fromEntries(
    fields.map(([, key = '', value = '']) => [
      key,
      value.startsWith('"') ? String(JSON.parse(value)) : value,
    ]),
  );
}

describe('output of cynork', () => {
  it('prints plain words as they are, quotes others and leaves absent ones out', () => {
    expect(
      fieldLine({ task_id: 'a-1', status: undefined, n: 0, ok: false, why: 'all 4 slots are busy' }),
    ).toBe('task_id=a-1 n=0 ok=false why="all 4 slots are busy"');
  });

  it('prints lines that can be taken apart again, whatever the values hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (first, second) => {
        const line = fieldLine({ first, second, end: 'x' });
        expect(line).not.toMatch(/\p{Cc}/u);
        expect(parseLine(line)).toEqual({
          first: expectedValue(first),
          second: expectedValue(second),
          end: 'x',
        });
      }),
    );
  });

  it('lets no control character of others through to a terminal', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/\p{Cc}/u.test(printable(text))));
    expect(printable('a\u001b[31mb\nc')).toBe('a [31mb c');
  });

  it('prints JSON that parses to the same value, indented by two and with a newline', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => toEqualJson(value)));
    expect(toJson({ a: '<&>' })).toBe('{\n  "a": "<&>"\n}\n');
  });

  it('colors the values of status fields only', () => {
    expect(colorStatuses('task_id=status=failed status=failed\nstatus=odd')).toBe(
      'task_id=status=failed status=\u001b[31mfailed\u001b[39m\nstatus=odd',
    );
  });

  it('drops an empty cursor and keeps others', () => {
    expect(toJson(withoutEmptyCursor({ next_cursor: '' }))).toBe('{}\n');
    expect(withoutEmptyCursor({ next_cursor: '50' })).toEqual({ next_cursor: '50' });
  });
});

function expectedValue(text: string): string {
  return /^[^\s"'=\p{C}]+$/u.test(text) ? text : printable(text);
}

function toEqualJson(value: unknown): boolean {
  const text = toJson(value);
  return text.endsWith('\n') && JSON.stringify(JSON.parse(text)) === JSON.stringify(value);
}
