/** What commander says about a wrong command line, as one line: `cynodeai: unknown option '--x'. See cynodeai --help.` */
export function usageLine(program: string, text: string): string {
  const [what = '', ...rest] = text.trim().split('\n');
  const hints = rest
    .map((line) => line.trim().replace(/^\((.*)\)$/, '$1'))
    .filter((line) => line !== '')
    .map((line) => ` ${line}`);
  return `${program}: ${what.replace(/^error: /, '').replace(/\.$/, '')}.${hints.join('')} See ${program} --help.\n`;
}
