import { Client, escapeIdentifier, escapeLiteral } from 'pg';

/** Where a Postgres of ours listens. */
export const LOOPBACK = '127.0.0.1';

/** The login roles of our database and their passwords. */
export interface DatabaseAccess {
  database: string;
  ownerPassword: string;
  appPassword: string;
}

/** Owns the database and runs migrations. */
export const OWNER_ROLE = 'cynodeai_owner';

/** What the processes log in as; its rights come from {@link APPLICATION_ROLE}. */
export const APP_LOGIN_ROLE = 'cynodeai_app';

/** Owns Temporal's databases, where it runs on our Postgres. */
export const TEMPORAL_ROLE = 'temporal';

/** The role without login that migrations grant their tables to. */
const APPLICATION_ROLE = 'cynodeai_application';

/** Address of one of our server's databases for one of its users. */
export function databaseUrl(to: { port: number; user: string; password: string; database: string }): string {
  return `postgres://${to.user}:${encodeURIComponent(to.password)}@${LOOPBACK}:${String(to.port)}/${to.database}`;
}

/** Makes the login roles and the database, or brings their passwords up to date. Safe to repeat. */
export async function provisionDatabase(superuserUrl: string, access: DatabaseAccess): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    // The owner's migrations make further roles, e.g. the one for agents.
    await ensureLogin(client, OWNER_ROLE, access.ownerPassword, 'CREATEROLE');
    await ensureLogin(client, APP_LOGIN_ROLE, access.appPassword, 'NOCREATEROLE');
    if (await ensureDatabase(client, access.database, OWNER_ROLE))
      await client.query(
        `grant connect on database ${escapeIdentifier(access.database)} to ${APP_LOGIN_ROLE}`,
      );
  });
}

/** Makes Temporal's login role and its databases, or brings its password up to date. Safe to repeat. */
export async function provisionTemporalDatabases(
  superuserUrl: string,
  databases: string[],
  password: string,
): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    await ensureLogin(client, TEMPORAL_ROLE, password, 'NOCREATEROLE');
    for (const database of databases) await ensureDatabase(client, database, TEMPORAL_ROLE);
  });
}

/** Gives the processes' login the rights that migrations granted. Run after migrating. */
export async function grantApplicationRole(superuserUrl: string): Promise<void> {
  await withClient(superuserUrl, (client) => client.query(`grant ${APPLICATION_ROLE} to ${APP_LOGIN_ROLE}`));
}

async function ensureLogin(client: Client, role: string, password: string, option: string): Promise<void> {
  const found = await client.query('select 1 from pg_roles where rolname = $1', [role]);
  const verb = found.rowCount === 0 ? 'create' : 'alter';
  await client.query(`${verb} role ${role} login ${option} password ${escapeLiteral(password)}`);
}

/** Makes a database that only its owner may enter, where it is missing. Returns whether it did. */
async function ensureDatabase(client: Client, name: string, owner: string): Promise<boolean> {
  const found = await client.query('select 1 from pg_database where datname = $1', [name]);
  if (found.rowCount !== 0) return false;
  const database = escapeIdentifier(name);
  await client.query(`create database ${database} owner ${owner}`);
  await client.query(`revoke all on database ${database} from public`);
  return true;
}

/** Runs the work with a connection that is closed afterwards, whatever happens. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
