import { join } from 'node:path';
import { findFreePort } from '../../../scripts/engines/ports.ts';
import { ensureTemporalCli } from '../../../scripts/engines/temporal-cli.ts';
import {
  createNamespace,
  temporalAddress,
  type TemporalEndpoint,
} from '../../../scripts/engines/temporal-operator.ts';
import { prepareTemporalOnPostgres } from '../../../scripts/engines/temporal-postgres.ts';
import { ensureTemporalPrograms } from '../../../scripts/engines/temporal-programs.ts';
import { temporalServerSpec } from '../../../scripts/engines/temporal-server.ts';
import { optionalTestSetting, publishTestSetting, testSetting } from './environment.ts';
import { startTestPostgres } from './postgres.ts';
import type { RunFolder } from './run-folder.ts';
import { startTestService, testTalk, type TestService } from './services.ts';

const NAMESPACE = 'cynodeai-test';

/** Starts a Temporal for this run: the development server on a database file, or on this run's Postgres where asked for. */
export async function startTestTemporal(run: RunFolder): Promise<void> {
  await startTemporalService(run);
}

/** The same, for tests that let it crash. */
export async function startTemporalService(run: RunFolder): Promise<TestService> {
  const endpoint = {
    cli: await ensureTemporalCli(testTalk),
    port: await findFreePort(),
    namespace: NAMESPACE,
  };
  const service =
    optionalTestSetting('temporalKind') === 'postgres'
      ? await startOnPostgres(run, endpoint)
      : await startOnFile(run, endpoint);
  publishTestSetting('temporalCli', endpoint.cli);
  publishTestSetting('temporalAddress', temporalAddress(endpoint.port));
  publishTestSetting('temporalNamespace', NAMESPACE);
  return service;
}

/** Which server the suite runs on, in words. */
export function describeTestTemporal(): string {
  return optionalTestSetting('temporalKind') === 'postgres'
    ? 'Temporal server on Postgres, the same instance as the database'
    : 'Temporal development server on a database file';
}

async function startOnFile(run: RunFolder, endpoint: TemporalEndpoint): Promise<TestService> {
  const databaseFile = join(run.path, 'temporal.db');
  return startTestService(
    run,
    temporalServerSpec({ ...endpoint, databaseFile, uiPort: await findFreePort() }),
  );
}

async function startOnPostgres(run: RunFolder, endpoint: TemporalEndpoint): Promise<TestService> {
  if (optionalTestSetting('postgresUrl') === undefined) await startTestPostgres(run);
  const superuserUrl = testSetting('postgresUrl');
  const spec = await prepareTemporalOnPostgres({
    ...endpoint,
    programs: await ensureTemporalPrograms(testTalk),
    folder: join(run.path, 'temporal'),
    postgresPort: Number(new URL(superuserUrl).port),
    superuserUrl,
  });
  const service = await startTestService(run, spec);
  await createNamespace(endpoint);
  return service;
}
