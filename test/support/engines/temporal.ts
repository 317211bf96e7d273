import { join } from 'node:path';
import { findFreePort } from '../../../scripts/engines/ports.ts';
import { ensureTemporalCli } from '../../../scripts/engines/temporal-cli.ts';
import { temporalAddress, temporalServerSpec } from '../../../scripts/engines/temporal-server.ts';
import { publishTestSetting } from './environment.ts';
import type { RunFolder } from './run-folder.ts';
import { startTestService, testTalk, type TestService } from './services.ts';

const NAMESPACE = 'cynodeai-test';

/** Starts a Temporal development server for this run, on a database file in its folder. */
export async function startTestTemporal(run: RunFolder): Promise<void> {
  await startTemporalService(run);
}

/** The same, for tests that let it crash. */
export async function startTemporalService(run: RunFolder): Promise<TestService> {
  const options = {
    cli: await ensureTemporalCli(testTalk),
    databaseFile: join(run.path, 'temporal.db'),
    port: await findFreePort(),
    uiPort: await findFreePort(),
    namespace: NAMESPACE,
  };
  const service = await startTestService(run, temporalServerSpec(options));
  publishTestSetting('temporalCli', options.cli);
  publishTestSetting('temporalAddress', temporalAddress(options.port));
  publishTestSetting('temporalNamespace', NAMESPACE);
  return service;
}
