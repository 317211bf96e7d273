import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../build/outputs.ts';

/** Runs a program with its output on this terminal; resolves with its exit code, 1 when it was killed. */
export function runOnTerminal(
  file: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], env });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** All checks that need no tests: format, lint, types, imports, dead code, generated files. */
export async function runStaticChecks(): Promise<boolean> {
  return (await runOnTerminal('npm', ['run', '--silent', 'verify:static'], environmentWithTools())) === 0;
}

function environmentWithTools(): NodeJS.ProcessEnv {
  const path = [join(ROOT, 'node_modules/.bin'), process.env['PATH'] ?? ''].join(':');
  return { ...process.env, PATH: path };
}
