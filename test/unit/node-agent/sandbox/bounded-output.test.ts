import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BoundedOutput, cutText, withNote } from '../../../../node-agent/sandbox/bounded-output.ts';

function read(chunks: readonly Buffer[], maxBytes: number): { text: string; truncated: boolean } {
  const output = new BoundedOutput(maxBytes);
  for (const chunk of chunks) output.push(chunk);
  return output.read();
}

/** Splits bytes at arbitrary places, as a network does. */
function splitAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const unicode = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ''));

describe('a bounded output', () => {
  it('gives back any text that fits, however it was cut into chunks', () => {
    fc.assert(
      fc.property(unicode, fc.array(fc.nat(), { maxLength: 8 }), (text, cuts) => {
        const bytes = Buffer.from(text, 'utf8');
        expect(read(splitAt(bytes, cuts), bytes.length)).toEqual({ text, truncated: false });
      }),
    );
  });

  it('never holds more than its bound, and flags what it dropped', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 16 }),
        fc.integer({ min: 1, max: 256 }),
        (arrays, maxBytes) => {
          const chunks = arrays.map((array) => Buffer.from(array));
          const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
          const { text, truncated } = read(chunks, maxBytes);
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBytes);
          if (total > maxBytes) expect(truncated).toBe(true);
        },
      ),
    );
  });

  it('cuts between characters: what is left is a prefix of the text', () => {
    fc.assert(
      fc.property(unicode, fc.nat({ max: 64 }), (text, maxBytes) => {
        const { text: kept } = read([Buffer.from(text, 'utf8')], maxBytes);
        expect(text.startsWith(kept)).toBe(true);
        expect(Buffer.byteLength(text) - Buffer.byteLength(kept)).toBeGreaterThanOrEqual(0);
        if (Buffer.byteLength(text) > maxBytes) expect(maxBytes - Buffer.byteLength(kept)).toBeLessThan(4);
      }),
    );
  });

  it('keeps an exact fit without calling it cut', () => {
    expect(read([Buffer.from('abcd')], 4)).toEqual({ text: 'abcd', truncated: false });
    expect(read([Buffer.from('abcd'), Buffer.from('e')], 4)).toEqual({ text: 'abcd', truncated: true });
  });

  it('shows bytes that are not UTF-8, and NUL, as replacement characters', () => {
    expect(read([Buffer.from([0x61, 0xff, 0x00, 0x62])], 100).text).toBe('a\uFFFD\uFFFDb');
  });
});

describe('cutting a text', () => {
  it('keeps a cut flag that was there before', () => {
    expect(cutText('abc', 10, true)).toEqual({ text: 'abc', truncated: true });
  });
});

describe('a note on an output', () => {
  it('stands on a line of its own', () => {
    expect(withNote({ text: 'partial', truncated: false }, 'why', 100).text).toBe('partial\nwhy\n');
    expect(withNote({ text: 'whole\n', truncated: false }, 'why', 100).text).toBe('whole\nwhy\n');
    expect(withNote({ text: '', truncated: false }, 'why', 100).text).toBe('why\n');
  });

  it('stays inside the bound together with the output', () => {
    fc.assert(
      fc.property(unicode, fc.integer({ min: 16, max: 64 }), (text, maxBytes) => {
        const { text: noted } = withNote({ text, truncated: false }, 'the reason', maxBytes);
        expect(Buffer.byteLength(noted)).toBeLessThanOrEqual(maxBytes);
        expect(noted).toContain('the reason\n');
      }),
    );
  });
});
