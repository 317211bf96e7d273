import { appendFile, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { redactSecrets } from '../../contracts/redaction.ts';

/** Lines of earlier sessions, beside the config file. Lines that hold a secret are not kept. */
export interface History {
  /** Newest first. */
  readonly lines: readonly string[];
  add(line: string): Promise<void>;
}

const KEPT = 500;
/** Words after which a secret may follow on the line. */
const SECRET_COMMANDS = /\b(password|secret|token|api[_-]?key)\b/i;

export async function openHistory(configPath: string, name: string): Promise<History> {
  const path = join(dirname(configPath), name);
  const text = await readFile(path, 'utf8').catch(() => '');
  const all = text.split('\n').filter((line) => line !== '');
  const kept = all.slice(-KEPT);
  // A history that cannot be written is no reason not to talk.
  if (all.length > 2 * KEPT) await writeFile(path, `${kept.join('\n')}\n`).catch(() => undefined);
  return {
    lines: kept.toReversed(),
    add: async (line) => {
      const text = line.trim();
      if (text === '' || line.startsWith(' ') || redactSecrets(text).applied || SECRET_COMMANDS.test(text))
        return;
      await append(path, text).catch(() => undefined);
    },
  };
}

async function append(path: string, line: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await appendFile(path, `${line}\n`, { mode: 0o600 });
  await chmod(path, 0o600);
}
