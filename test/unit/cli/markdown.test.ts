import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { splitWords } from '../../../cli/interactive/words.ts';
import { createMarkdownPrinter } from '../../../cli/render/markdown-printer.ts';
import { createMarkdownRenderer } from '../../../cli/render/markdown.ts';
import { rowsOf } from '../../../cli/render/terminal.ts';

const plain = createMarkdownRenderer(false);

describe('Markdown for a terminal', () => {
  it.each([
    ['# Title', 'Title'],
    ['a **b** *c* `d` ~~e~~', 'a b c `d` e'],
    ['- one\n- two\n  1. three', '• one\n• two\n  1. three'],
    ['3. x\n4. y', '3. x\n4. y'],
    ['```sh\nls -l\n```', '    `ls -l`'],
    ['> quoted\n> twice', '│ quoted\n│ twice'],
    ['[text](https://example.org)', 'text (https://example.org)'],
    ['<https://example.org>', 'https://example.org'],
    ['| a | bb |\n|---|---|\n| 1 | 2 |', 'a  bb\n─  ──\n1  2'],
    ['a < b && c > d', 'a < b && c > d'],
    ['- [x] done\n- [ ] open', '• [x] done\n• [ ] open'],
  ])('%j', (text, shown) => {
    expect(plain(text)).toBe(shown);
  });

  it('is colored where colors are wanted', () => {
    expect(createMarkdownRenderer(true)('**b**')).toBe('\u001b[1mb\u001b[22m');
  });
});

describe('Markdown while it comes', () => {
  const print = async (
    pieces: readonly string[],
    size: { readonly columns: number; readonly rows: number } = { columns: 20, rows: 10 },
  ): Promise<string> => {
    let written = '';
    const terminal = Object.assign(new PassThrough(), size);
    const printer = createMarkdownPrinter(
      { data: async (text) => void (written += text) },
      { terminal, color: false },
    );
    for (const piece of pieces) await printer.write(piece);
    await printer.end();
    return written;
  };

  it('shows each piece at once and gives a block its form when it is complete', async () => {
    expect(await print(['**a', '** b', '\n\n', 'c'])).toBe(
      '**a** b\n\n\r\u001b[2A\u001b[Ja b\n\nc\r\u001b[Jc\n\n',
    );
  });

  it('takes back as many rows as the raw block took', async () => {
    expect(await print(['x'.repeat(45)])).toBe(`${'x'.repeat(45)}\r\u001b[2A\u001b[J${'x'.repeat(45)}\n\n`);
  });

  it('leaves a block as it is that is higher than the terminal', async () => {
    expect(await print(['**x**'], { columns: 1, rows: 3 })).toBe('**x**\n\n');
  });

  it('does not end a block at an empty line of its code', async () => {
    const text = await print(['```\n', 'a\n', '\n', 'b\n', '```\n', 'after']);
    expect(text).toContain('`a\n    \n    b`');
  });
});

describe('rows of a terminal', () => {
  it.each([
    ['', 1],
    ['abc', 1],
    ['abcd', 2],
    ['a\nb', 2],
    ['日本', 2],
    ['e\u0301e\u0301e\u0301', 1],
  ])('%j takes %i of three columns', (text, rows) => {
    expect(rowsOf(text, 3)).toBe(rows);
  });
});

describe('words of a line', () => {
  it.each([
    ['task list', ['task', 'list']],
    [`a 'b c' "d \\"e\\"" f\\ g ''`, ['a', 'b c', 'd "e"', 'f g', '']],
    ['  ', []],
    ['x=a"b c"d', ['x=ab cd']],
  ])('%j', (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });

  it.each(["it's", '"open', 'end\\'])('%j is refused', (line) => {
    expect(() => splitWords(line)).toThrow('quote');
  });
});
