const RED = 31;
const GREEN = 32;
const YELLOW = 33;

const COLOR_OF: Readonly<Record<string, number>> = {
  completed: GREEN,
  active: GREEN,
  failed: RED,
  inactive: RED,
  canceled: YELLOW,
  queued: YELLOW,
};

/** `text` with the values of its `status=` fields colored, for a terminal. */
export function colorStatuses(text: string): string {
  return text.replaceAll(/(?<=^|\s)status=(\w+)/gm, (field, status: string) => {
    const color = COLOR_OF[status];
    return color === undefined ? field : `status=${colored(color, status)}`;
  });
}

export function red(text: string): string {
  return colored(RED, text);
}

function colored(color: number, text: string): string {
  return `\u001b[${color}m${text}\u001b[39m`;
}
