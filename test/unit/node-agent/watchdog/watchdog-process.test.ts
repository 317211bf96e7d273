import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const run = promisify(execFile);
const url = (path: string): string => JSON.stringify(new URL(`../../../../${path}`, import.meta.url).href);

/** An agent's process of few files: takes all of them, starts its watchdog, and gives them back after two attempts. */
const SCRIPT = `
  import { closeSync, openSync } from 'node:fs';
  import { setTimeout as delay } from 'node:timers/promises';
  import { WatchdogProcess } from ${url('node-agent/watchdog/watchdog-process.ts')};
  import { createLogger } from ${url('platform/logger.ts')};
  const settings = { folder: '/nowhere', run: 'a run', dockerHost: 'unix:///nowhere', node: 'n', logLevel: 'silent' };
  const watchdog = new WatchdogProcess(settings, createLogger({ role: 'test', level: 'silent' }));
  const files = [];
  try { for (;;) files.push(openSync('/dev/null')); } catch {}
  watchdog.start();
  while (watchdog.restarts < 2) await delay(20);
  const without = watchdog.alive;
  for (const file of files) closeSync(file);
  while (!watchdog.alive) await delay(20);
  console.log(JSON.stringify({ files: files.length > 10, without, restarts: watchdog.restarts < 10 }));
  await watchdog[Symbol.asyncDispose]();
`;

describe('a watchdog that cannot be started, as the agent has no files to spare', () => {
  it('does not end its agent, which starts it later', async () => {
    const shell = [
      '-c',
      'ulimit -n 48; exec "$@"',
      'sh',
      process.execPath,
      '--input-type=module',
      '-e',
      SCRIPT,
    ];
    const { stdout } = await run('sh', shell, { cwd: fileURLToPath(new URL('.', import.meta.url)) });
    expect(JSON.parse(stdout)).toEqual({ files: true, without: false, restarts: true });
  }, 30_000);
});
