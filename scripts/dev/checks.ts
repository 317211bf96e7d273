import { join } from 'node:path';
import { execa } from 'execa';
import { ROOT } from '../build/outputs.ts';

/** The npm scripts that need no test, in the order in which a reader wants to hear of them. */
const CHECKS = ['check:format', 'check:types', 'check:lint', 'check:imports', 'check:unused', 'check:docs'];

const LINE_UP = 2;

/** Runs every static check, some side by side, and prints what the failing ones say. Returns whether all passed. */
export async function runStaticChecks(): Promise<boolean> {
  const waiting = [...CHECKS];
  let allPassed = true;
  const lane = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      if (!(await runCheck(check))) allPassed = false;
    }
  };
  await Promise.all(Array.from({ length: LINE_UP }, lane));
  return allPassed;
}

async function runCheck(check: string): Promise<boolean> {
  const started = performance.now();
  const result = await execa('npm', ['run', '--silent', check], {
    cwd: ROOT,
    reject: false,
    all: true,
    stdin: 'ignore',
    // npm and the tools' own launchers take the first `node` of PATH.
    env: { PATH: [join(ROOT, 'node_modules/.bin'), process.env['PATH'] ?? ''].join(':') },
  });
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  console.log(`  ${result.failed ? '✗' : '✓'} ${check.padEnd(16)} ${seconds.padStart(6)} s`);
  if (result.failed) console.log(result.all);
  return !result.failed;
}
