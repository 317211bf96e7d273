import { spawn } from 'node:child_process';
import type { Io } from '../io.ts';

/** Runs a line in the user's shell, with the terminal as its own. Says when it failed. */
export async function runLine(io: Io, line: string, signal: AbortSignal): Promise<void> {
  if (line.trim() === '') return;
  const own = io.stdin.isTTY === true && io.stdin === process.stdin;
  const child = spawn(line, {
    shell: io.env['SHELL'] ?? true,
    env: { ...io.env },
    stdio: own ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  });
  child.stdout?.pipe(io.stdout, { end: false });
  child.stderr?.pipe(io.stderr, { end: false });
  // With the terminal as its own it hears of Ctrl-C by itself.
  const stop = (): void => void (own ? undefined : child.kill('SIGINT'));
  signal.addEventListener('abort', stop, { once: true });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  signal.removeEventListener('abort', stop);
  if (code !== 0) io.stderr.write(`(it ended with ${code ?? 'a signal'})\n`);
}
