import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeJson, faultOf, hasUnstorableText } from '../../../../platform/http/json.ts';

const anyText = fc.string({ unit: 'binary' });
const storableText = anyText.map((text) => text.replaceAll('\0', '').toWellFormed());

describe('JSON on the wire', () => {
  it('means what was encoded', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        expect(JSON.parse(encodeJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('is one line with one newline at its end, without characters that mean something in HTML', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        expect(encodeJson(value)).toMatch(/^[^\n<>&\u2028\u2029]*\n$/u);
      }),
    );
  });

  it('looks as Go writes it', () => {
    expect(encodeJson({ a: '<b> & "c"\u2028' })).toBe('{"a":"\\u003cb\\u003e \\u0026 \\"c\\"\\u2028"}\n');
  });
});

describe('text that Postgres cannot store', () => {
  const nested = (text: string): unknown[] => [
    text,
    [text],
    { member: text },
    { [text]: 1 },
    { a: [{ b: text }] },
  ];

  it('is found wherever it is', () => {
    fc.assert(
      fc.property(
        storableText,
        fc.constantFrom('\0', '\ud800', '\udfff'),
        storableText,
        (before, bad, after) => {
          for (const value of nested(`${before}\ud7ff${bad}.${after}`))
            expect(hasUnstorableText(value)).toBe(true);
        },
      ),
    );
  });

  it('is not suspected in anything else', () => {
    fc.assert(
      fc.property(storableText, (text) => {
        for (const value of nested(text)) expect(hasUnstorableText(value)).toBe(false);
      }),
    );
    for (const value of [null, undefined, 0, true, [], {}, '\u{1f511}'])
      expect(hasUnstorableText(value)).toBe(false);
  });
});

describe('nesting', () => {
  const nest = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

  it('is allowed for 64 levels', () => {
    expect(faultOf(nest(64))).toBeNull();
    expect(faultOf(nest(65))).toContain('64 levels');
  });

  it('is refused without descending into it', () => {
    expect(faultOf({ a: nest(1_000_000) })).toContain('64 levels');
  });
});
