import { createInterface } from 'node:readline/promises';

/** How the engines' set-up speaks with whoever started it. */
export interface Talk {
  /** One line of progress. */
  say(line: string): void;
  /** Asks before something is installed or removed. Scripts, CI and `--yes` agree beforehand. */
  agree(question: string, byDefault?: 'yes' | 'no'): Promise<boolean>;
}

/** Talk on the terminal's stderr: asks only when a person is there and has not said `--yes`. */
export function terminalTalk(options: { yes: boolean }): Talk {
  const person = process.stdin.isTTY && process.stderr.isTTY && process.env['CI'] === undefined;
  return {
    say: (line) => void process.stderr.write(`${line}\n`),
    agree: async (question, byDefault = 'yes') => (options.yes || !person ? true : ask(question, byDefault)),
  };
}

async function ask(question: string, byDefault: 'yes' | 'no'): Promise<boolean> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const choice = byDefault === 'yes' ? '[Y/n]' : '[y/N]';
    const answer = (await prompt.question(`${question} ${choice} `)).trim();
    return answer === '' ? byDefault === 'yes' : /^y(es)?$/i.test(answer);
  } finally {
    prompt.close();
  }
}

/** What a person can do about it is in the message, which is printed without a stack. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
