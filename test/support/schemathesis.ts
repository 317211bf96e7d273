import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, exists } from '../../scripts/engines/files.ts';
import { withLock } from '../../scripts/engines/lock.ts';

const VERSION = '4.32.5';
const INSTALL_TIMEOUT_MS = 300_000;
const RUN_TIMEOUT_MS = 170_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** What every answer is held to: no fault of the server, a declared status, its media type, headers and schema. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
];

/** A 503 says that a part is missing on purpose: no model, no slot. It has to be declared like any other status. */
const CONFIG = `
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]

# Other methods are answered by the router, in plain text (contract §2).
[phases.coverage]
unexpected-methods = []
`;

export interface SchemathesisRun {
  /** Where the API is, without its paths; its document is at `/openapi.json`. */
  readonly url: string;
  readonly token?: string;
  /** Ids of the operations; absent for all but the excluded ones. */
  readonly only?: readonly string[];
  readonly except?: readonly string[];
  readonly maxExamples: number;
}

export interface SchemathesisReport {
  readonly failed: boolean;
  readonly output: string;
}

/** Sends requests made from an API's document, good and bad ones, always the same, and looks at every answer. */
export async function runSchemathesis(options: SchemathesisRun, folder: string): Promise<SchemathesisReport> {
  const packages = await installSchemathesis();
  const config = join(folder, 'schemathesis.toml');
  await writeFile(config, CONFIG);
  const token = options.token === undefined ? [] : ['--header', `Authorization: Bearer ${options.token}`];
  const args = [
    ...['-m', 'schemathesis.cli', '--config-file', config, 'run', `${options.url}/openapi.json`],
    ...['--checks', CHECKS.join(','), '--phases', 'examples,coverage,fuzzing', '--workers', '1'],
    ...['--generation-deterministic', '--max-examples', String(options.maxExamples)],
    ...['--request-timeout', '20', '--no-color', '--no-shrink'],
    ...['--suppress-health-check', 'all', '--warnings', 'off', '--continue-on-failure'],
    ...(options.only ?? []).flatMap((id) => ['--include-operation-id', id]),
    ...(options.except ?? []).flatMap((id) => ['--exclude-operation-id', id]),
    ...token,
  ];
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'] ?? '', PYTHONPATH: packages, HOME: folder };
    const limits = { timeout: RUN_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
    execFile('python3', args, { cwd: folder, env, ...limits }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: `${stdout}${stderr}` }),
    );
  });
}

/** Folder with the packages, kept for all checkouts. */
async function installSchemathesis(): Promise<string> {
  const target = cacheFolder(`schemathesis-${VERSION}`);
  await withLock(cacheFolder('locks', 'schemathesis.lock'), async () => {
    if (await exists(target)) return;
    const work = await mkdtemp(`${target}.`);
    try {
      await pip(['install', '--quiet', '--only-binary=:all:', '--target', work, `schemathesis==${VERSION}`]);
      await rename(work, target);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
  return target;
}

function pip(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('python3', ['-m', 'pip', ...args], { timeout: INSTALL_TIMEOUT_MS }, (error, _out, stderr) => {
      if (error === null) return resolve();
      reject(
        new Error(`schemathesis ${VERSION} could not be installed; python3 with pip is needed:\n${stderr}`),
      );
    });
  });
}
