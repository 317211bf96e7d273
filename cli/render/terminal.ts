/** Text of a model made safe for a terminal: line breaks and tabs stay, other control characters go. */
export function withoutControls(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '').replaceAll('\t', '    ');
}

const NARROW = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const WIDE =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\p{Emoji_Presentation}\u{20000}-\u{3fffd}]$/u;

/** Rows that a text takes on a terminal of so many columns. */
export function rowsOf(text: string, columns: number): number {
  return text
    .split('\n')
    .map((line) => Math.max(1, Math.ceil(widthOf(line) / columns)))
    .reduce((sum, rows) => sum + rows, 0);
}

function widthOf(line: string): number {
  let width = 0;
  for (const character of line) width += NARROW.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}
