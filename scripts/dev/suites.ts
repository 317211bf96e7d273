import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ROOT } from '../build/outputs.ts';

/** Jest's projects, cheapest first. */
export const SUITE_NAMES = ['unit', 'integration', 'replay', 'node', 'e2e'] as const;

export type SuiteName = (typeof SUITE_NAMES)[number];

/** Where their tests are. Those that share engines between their files run one file at a time. */
const SUITES: Record<SuiteName, { folders: string[]; inBand: boolean }> = {
  unit: { folders: ['unit', 'arch'], inBand: false },
  integration: { folders: ['integration'], inBand: false },
  replay: { folders: ['replay'], inBand: false },
  node: { folders: ['node'], inBand: true },
  e2e: { folders: ['e2e'], inBand: true },
};

/** How a suite went. */
export interface SuiteResult {
  passed: number;
  failed: number;
  seconds: number;
}

const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numRuntimeErrorTestSuites: z.number(),
});

/** Runs one suite with Jest. A suite that could not be run at all counts as one failure. */
export async function runSuite(suite: SuiteName, jestArgs: string[]): Promise<SuiteResult> {
  const started = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'cynodeai-report-'));
  try {
    const report = join(folder, 'report.json');
    const exitCode = await runJest(suite, ['--json', '--outputFile', report, ...jestArgs]);
    const { passed, failed } = await readReport(report);
    // An exit code without a failure in the report means that set-up, tear-down or Jest itself failed.
    const hidden = exitCode !== 0 && failed === 0 ? 1 : 0;
    return { passed, failed: failed + hidden, seconds: (performance.now() - started) / 1_000 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whether there is a test to run. */
export async function hasTests(suite: SuiteName): Promise<boolean> {
  for (const folder of SUITES[suite].folders) {
    const files = await readdir(join(ROOT, 'test', folder), { recursive: true }).catch(() => []);
    if (files.some((file) => file.endsWith('.test.ts'))) return true;
  }
  return false;
}

/** Jest's exit code, 1 when it was killed; its output goes to this terminal. */
function runJest(suite: SuiteName, args: string[]): Promise<number> {
  const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
  const inBand = SUITES[suite].inBand ? ['--runInBand'] : [];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [jest, '--selectProjects', suite, ...inBand, ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
      },
    });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

async function readReport(file: string): Promise<{ passed: number; failed: number }> {
  const content = await readFile(file, 'utf8').catch(() => undefined);
  if (content === undefined) return { passed: 0, failed: 1 };
  const report = reportSchema.parse(JSON.parse(content));
  return { passed: report.numPassedTests, failed: report.numFailedTests + report.numRuntimeErrorTestSuites };
}
