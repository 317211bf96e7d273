import type { OutputStream } from '../io.ts';
import type { Output } from '../output.ts';
import { createMarkdownRenderer } from './markdown.ts';
import { rowsOf, withoutControls } from './terminal.ts';

const FENCE = /^ {0,3}(```|~~~)/;
const BLANK = /^\s*$/;

/**
 * Prints Markdown while it comes: the block that is being written is shown as it is, and takes its form when it is
 * complete. A block that is higher than the terminal stays as it is, because it cannot be taken back.
 */
export function createMarkdownPrinter(
  out: Pick<Output, 'data'>,
  options: { readonly terminal: OutputStream; readonly color: boolean },
): { readonly write: (text: string) => Promise<void>; readonly end: () => Promise<void> } {
  const render = createMarkdownRenderer(options.color);
  let line = '';
  let block = '';
  let fenced = false;

  /** Replaces the raw text of the block by its form. */
  async function finish(): Promise<void> {
    const shown = block + line;
    block = '';
    line = '';
    fenced = false;
    if (BLANK.test(shown)) return;
    const rows = rowsOf(shown, options.terminal.columns ?? 80);
    if (rows >= (options.terminal.rows ?? 24)) return out.data(shown.endsWith('\n') ? '\n' : '\n\n');
    const up = rows > 1 ? `\u001b[${rows - 1}A` : '';
    await out.data(`\r${up}\u001b[J${render(shown)}\n\n`);
  }

  async function take(text: string): Promise<void> {
    if (block === '' && BLANK.test(line + text)) return void (line = '');
    await out.data(text);
    line += text;
    if (!line.endsWith('\n')) return;
    const whole = line;
    if (FENCE.test(whole)) fenced = !fenced;
    const complete = (BLANK.test(whole) && !fenced) || (FENCE.test(whole) && !fenced);
    block += line;
    line = '';
    if (complete) await finish();
  }

  return {
    write: async (text) => {
      for (const part of withoutControls(text).split(/(?<=\n)/)) await take(part);
    },
    end: finish,
  };
}
