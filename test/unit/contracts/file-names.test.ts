import { posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { baseName, isFileName, isRelativePath } from '../../../contracts/file-names.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('.', '/', '\\', 'a', '\n', '\0', 'é', '\ud800'), maxLength: 12 }),
);

describe('names of files', () => {
  it.each(['a', '.hidden', 'with space', 'é例.txt', '...', 'a:b', '"x"', 'x'.repeat(255)])(
    'may be %j',
    (name) => {
      expect([isFileName(name), isRelativePath(name)]).toEqual([true, true]);
    },
  );

  it.each(['', '.', '..', 'a\0', 'a\nb', '\u202f'.repeat(100), 'é'.repeat(128), 'a\ud800', 'a\u2028'])(
    'may not be %j',
    (name) => {
      expect(isFileName(name)).toBe(false);
    },
  );

  it('never lead out of the folder they are put in', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        if (isFileName(text)) expect(posix.dirname(posix.join('/folder', text))).toBe('/folder');
        if (isRelativePath(text)) expect(posix.join('/folder', text)).toBe(`/folder/${text}`);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['a/b', true],
    ['a/../b', false],
    ['/a', false],
    ['a/', false],
    ['a//b', false],
    ['./a', false],
    [`${'d/'.repeat(511)}ab`, true],
    [`${'d/'.repeat(512)}a`, false],
  ])('are a path below a folder: %j %s', (path, is) => {
    expect(isRelativePath(path)).toBe(is);
  });

  it('are the last part of what a client says', () => {
    expect(['a', '/x/a', 'C:\\x\\a', '../a', 'a/', ''].map(baseName)).toEqual(['a', 'a', 'a', 'a', '', '']);
  });
});
