import { lexer } from 'marked';
import type { Token, Tokens } from 'marked';

/** Renders Markdown for a terminal, without its last line break. */
export type MarkdownRenderer = (text: string) => string;

interface Style {
  readonly bold: (text: string) => string;
  readonly italic: (text: string) => string;
  readonly struck: (text: string) => string;
  readonly code: (text: string) => string;
  readonly dim: (text: string) => string;
}

const sgr =
  (on: number, off: number) =>
  (text: string): string =>
    `\u001b[${on}m${text}\u001b[${off}m`;
const same = (text: string): string => text;

const COLORED: Style = {
  bold: sgr(1, 22),
  italic: sgr(3, 23),
  struck: sgr(9, 29),
  code: sgr(36, 39),
  dim: sgr(2, 22),
};
const UNCOLORED: Style = {
  bold: same,
  italic: same,
  struck: same,
  code: (text) => `\`${text}\``,
  dim: same,
};

export function createMarkdownRenderer(color: boolean): MarkdownRenderer {
  const style = color ? COLORED : UNCOLORED;
  return (text) => blocks(lexer(text), style);
}

function blocks(tokens: readonly Token[], style: Style): string {
  return tokens
    .map((token) => block(token, style))
    .filter((text) => text !== '')
    .join('\n\n');
}

function block(token: Token, style: Style): string {
  switch (token.type) {
    case 'heading':
      return style.bold(inlines(token.tokens, style));
    case 'code':
      return indent(style.code('text' in token ? String(token.text) : ''), '    ');
    case 'blockquote':
      return indent(blocks(token.tokens ?? [], style), style.dim('│ '));
    case 'list':
      return list(token as Tokens.List, style); // told by its type
    case 'table':
      return table(token as Tokens.Table, style); // told by its type
    case 'hr':
      return style.dim('─'.repeat(24));
    case 'space':
    case 'def':
      return '';
    default:
      return inline(token, style);
  }
}

function list({ items, ordered, start, loose }: Tokens.List, style: Style): string {
  const first = start === '' ? 1 : start;
  return items
    .map(({ tokens, task, checked }, index) => {
      const mark = ordered ? `${first + index}. ` : '• ';
      const box = task ? (checked === true ? '[x] ' : '[ ] ') : '';
      const body = tokens.map((token) => block(token, style)).filter((text) => text !== '');
      return mark + box + indent(body.join('\n'), ' '.repeat(mark.length)).trimStart();
    })
    .join(loose ? '\n\n' : '\n');
}

function table({ header, rows }: Tokens.Table, style: Style): string {
  const plain = (cell: Tokens.TableCell): string => inlines(cell.tokens, UNCOLORED);
  const all = [header, ...rows].map((row) => row.map(plain));
  const widths = header.map((_cell, at) => Math.max(...all.map((row) => (row[at] ?? '').length)));
  const lines = all.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const [head = '', ...body] = lines;
  return [style.bold(head), style.dim(widths.map((width) => '─'.repeat(width)).join('  ')), ...body].join(
    '\n',
  );
}

function inlines(tokens: readonly Token[] | undefined, style: Style): string {
  return (tokens ?? []).map((token) => inline(token, style)).join('');
}

function inline(token: Token, style: Style): string {
  const text = 'text' in token ? String(token.text) : token.raw;
  const inner = (): string =>
    'tokens' in token && token.tokens !== undefined ? inlines(token.tokens, style) : text;
  switch (token.type) {
    case 'strong':
      return style.bold(inner());
    case 'em':
      return style.italic(inner());
    case 'del':
      return style.struck(inner());
    case 'codespan':
      return style.code(text);
    case 'checkbox': // said by its list
      return '';
    case 'br':
      return '\n';
    case 'link':
      return link(inner(), String(token['href']), style);
    case 'image':
      return link(text, String(token['href']), style);
    default:
      return inner();
  }
}

function link(text: string, href: string, style: Style): string {
  return text === href || `mailto:${text}` === href ? text : `${text} ${style.dim(`(${href})`)}`;
}

function indent(text: string, by: string): string {
  return text
    .split('\n')
    .map((line) => by + line)
    .join('\n');
}
