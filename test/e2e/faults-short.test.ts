import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import type { Report } from '../faults/report.ts';
import { testSetting } from '../support/engines/environment.ts';

const HARNESS = fileURLToPath(new URL('../faults/main.ts', import.meta.url));
const FAULTS = 20;
const SEED = 4;
const TIMEOUT_MS = 10 * 60_000;

/** Runs the harness as its own program, with engines of its own. Its talk is shown when it fails. */
async function runHarness(reportFile: string): Promise<{ code: number | null; talk: string }> {
  const args = ['--faults', String(FAULTS), '--seed', String(SEED), '--minutes', '3', '--report', reportFile];
  const child = spawn(process.execPath, [HARNESS, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let talk = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (talk += chunk));
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code, talk }));
  });
}

describe('processes killed, paused and cut off at random, while tasks run', () => {
  it(
    'lose no task, let none take effect twice, and leave nothing behind',
    async () => {
      const reportFile = join(testSetting('stateFolder'), 'faults.json');
      const { code, talk } = await runHarness(reportFile);
      expect({ code, talk: code === 0 ? '' : talk }).toEqual({ code: 0, talk: '' });
      const report = JSON.parse(await readFile(reportFile, 'utf8')) as Report;
      expect(report.violations).toEqual([]);
      expect(report.faultsInjected).toBeGreaterThanOrEqual(FAULTS / 2);
      const { accepted, completed, canceled, givenUp } = report.tasks;
      expect(completed + canceled + givenUp).toBe(accepted);
      expect(completed).toBeGreaterThan(FAULTS);
    },
    TIMEOUT_MS,
  );
});
