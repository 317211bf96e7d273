import { expect, it } from '@jest/globals';
import { openDatabase } from '../../../schema/database.ts';
import { assertSchemaFits } from '../../../schema/migrate.ts';
import { explainDatabase } from '../../../schema/start-fault.ts';
import { createTestDatabase } from '../../support/database.ts';

/** What a role says that is started with a changed URL of its database. */
async function saidWith(change: (url: URL) => void): Promise<string> {
  await using database = await createTestDatabase();
  const url = new URL(database.url);
  change(url);
  await using opened = openDatabase({ url: url.href, poolSize: 1, onIdleError: () => undefined });
  return await assertSchemaFits(opened.db).then(() => 'it starts', String);
}

it.each([
  [
    'a wrong password',
    (url: URL) => (url.password = 'wrong'),
    'refuses the password: correct the one in DATABASE_URL',
  ],
  [
    'a database that is not there',
    (url: URL) => (url.pathname = '/absent'),
    'create it, or correct DATABASE_URL',
  ],
  ['a port where nobody listens', (url: URL) => (url.port = '1'), 'start it, correct DATABASE_URL, or wait'],
])('says what to do about %s', async (_, change, told) => {
  expect(await saidWith(change)).toContain(told);
});

it('names the setting that was used', () => {
  const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  expect(String(explainDatabase(away, 'MIGRATION_DATABASE_URL'))).toContain(
    'correct MIGRATION_DATABASE_URL,',
  );
});
