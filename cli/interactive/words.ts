import { usageError } from '../errors.ts';

const WORD = /(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gsy;
const PART = /\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"'\\]+)/gs;

/** Words of a line as a shell takes them: quotes and backslashes, but no expansion. @throws CliError for an open quote */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let at = skipBlanks(line, 0);
  while (at < line.length) {
    WORD.lastIndex = at;
    const [word] = WORD.exec(line) ?? [];
    if (word === undefined) throw usageError('a quote is open, or a backslash stands alone');
    words.push(unquote(word));
    at = skipBlanks(line, at + word.length);
  }
  return words;
}

function skipBlanks(line: string, from: number): number {
  const next = line.slice(from).search(/\S/);
  return next < 0 ? line.length : from + next;
}

function unquote(word: string): string {
  return word.replaceAll(
    PART,
    (_part, escaped: string | undefined, double: string | undefined, single?: string, plain?: string) =>
      escaped ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? single ?? plain ?? '',
  );
}
