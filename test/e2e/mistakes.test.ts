import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../scripts/engines/ports.ts';
import { testSetting } from '../support/engines/environment.ts';
import { MISTAKES } from '../support/mistakes.ts';
import type { Mistake, Place } from '../support/mistakes.ts';
import { startStack } from '../support/stack/stack.ts';

const PROGRAMS = {
  cynork: fileURLToPath(new URL('../../cli/dist/cynork.mjs', import.meta.url)),
  cynodeai: fileURLToPath(new URL('../../bin/main.ts', import.meta.url)),
  dev: fileURLToPath(new URL('../../scripts/dev/main.ts', import.meta.url)),
} as const;
const LIMIT_MS = 60_000;

let place: Place;
let squatter: Server;

beforeAll(async () => {
  const stack = await startStack();
  const node = await stack.startNode();
  const busyPort = await findFreePort();
  squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(busyPort, '127.0.0.1', resolve));
  const folder = await mkdtemp(join(testSetting('stateFolder'), 'mistakes-'));
  place = { stack, node, folder, busyPort, freePort: await findFreePort() };
}, 120_000);
afterAll(async () => {
  squatter.close();
  await place.stack[Symbol.asyncDispose]();
}, 60_000);

async function make(mistake: Mistake): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const child = spawn(process.execPath, [PROGRAMS[mistake.program], ...mistake.args], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: place.folder,
      NODE_NO_WARNINGS: '1',
      ...mistake.env?.(place),
    },
    timeout: LIMIT_MS,
  });
  child.stdin.end(mistake.stdin ?? '');
  child.stdout.resume();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  return { code, stderr };
}

describe('somebody who', () => {
  it.each(MISTAKES)(
    '$does is told so in one line, with what to do',
    async (mistake) => {
      const { code, stderr } = await make(mistake);
      const said = stderr.replace(/\n$/, '');
      expect(said).toMatch(mistake.says);
      // The set-up shows its steps as well; everybody else says the one line and nothing else.
      if (mistake.program !== 'dev') expect(said.split('\n')).toHaveLength(1);
      expect(stderr).not.toMatch(/^\s+at /m);
      expect(code).toBe(mistake.code);
    },
    LIMIT_MS + 10_000,
  );
});
