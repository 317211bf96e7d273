import { createInterface } from 'node:readline/promises';

/** How the engines' set-up speaks with whoever started it. */
export interface Talk {
  /** One line of progress. */
  say(line: string): void;
  /** Asks before something is installed or removed. Scripts, CI and `--yes` agree beforehand. */
  agree(question: string): Promise<boolean>;
}

/** Talk on the terminal's stderr: asks only when a person is there and has not said `--yes`. */
export function terminalTalk(options: { yes: boolean }): Talk {
  const person = process.stdin.isTTY && process.stderr.isTTY && process.env['CI'] === undefined;
  return {
    say: (line) => void process.stderr.write(`${line}\n`),
    agree: async (question) => (options.yes || !person ? true : ask(question)),
  };
}

async function ask(question: string): Promise<boolean> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`${question} [Y/n] `);
    return /^\s*(y(es)?)?\s*$/i.test(answer);
  } finally {
    prompt.close();
  }
}

/** What a person can do about it is in the message, which is printed without a stack. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
