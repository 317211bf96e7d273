import { randomBytes } from 'node:crypto';
import {
  databaseUrl,
  grantApplicationRole,
  OWNER_ROLE,
  provisionDatabase,
} from '../../../scripts/engines/database.ts';
import { findFreePort } from '../../../scripts/engines/ports.ts';
import { preparePostgres, superuserUrl, type PostgresOptions } from '../../../scripts/engines/postgres.ts';
import { migrateToLatest } from '../../../schema/migrate.ts';
import { publishTestSetting } from './environment.ts';
import type { RunFolder } from './run-folder.ts';
import { startTestService, testTalk, type TestService } from './services.ts';

const TEMPLATE = 'cynodeai_template';

/** Starts a Postgres for this run with one migrated database, which tests clone. */
export async function startTestPostgres(run: RunFolder): Promise<void> {
  await startMigratedPostgres(run, { durable: false });
}

/** The same, for tests that let it crash. */
export async function startMigratedPostgres(
  run: RunFolder,
  { durable }: { readonly durable: boolean },
): Promise<TestService> {
  const options: PostgresOptions = {
    stateFolder: run.path,
    port: await findFreePort(),
    password: randomBytes(12).toString('hex'),
    durable,
  };
  const service = await startTestService(run, await preparePostgres(options, testTalk));

  const [ownerPassword, appPassword] = [randomBytes(12).toString('hex'), randomBytes(12).toString('hex')];
  await provisionDatabase(superuserUrl(options), { database: TEMPLATE, ownerPassword, appPassword });
  publishTestSetting('postgresUrl', superuserUrl(options));
  publishTestSetting('postgresTemplate', TEMPLATE);
  publishTestSetting('ownerPassword', ownerPassword);
  publishTestSetting('appPassword', appPassword);
  await migrateToLatest(
    databaseUrl({ port: options.port, user: OWNER_ROLE, password: ownerPassword, database: TEMPLATE }),
  );
  await grantApplicationRole(superuserUrl(options));
  return service;
}
