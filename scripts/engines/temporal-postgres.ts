import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { LOOPBACK, provisionTemporalDatabases, TEMPORAL_ROLE } from './database.ts';
import { writeFileAtomically } from './files.ts';
import { findFreePorts, isPortBusy } from './ports.ts';
import { plainEnvironment, type ServiceSpec } from './service.ts';
import { SetupError } from './talk.ts';
import { canListWorkflows, temporalAddress, type TemporalEndpoint } from './temporal-operator.ts';
import type { TemporalPrograms } from './temporal-programs.ts';
import { serverConfig, SERVICES, type ServicePorts } from './temporal-postgres-config.ts';
import { TEMPORAL_TUNING } from './temporal-server.ts';

/** What tells one server on Postgres from another. */
export interface TemporalOnPostgresOptions extends TemporalEndpoint {
  programs: TemporalPrograms;
  /** Folder for its configuration, which holds its password of the database. */
  folder: string;
  postgresPort: number;
  /** Address of that Postgres for its superuser. */
  superuserUrl: string;
}

const DATABASES = [
  { name: 'temporal', schema: 'postgresql/v12/temporal' },
  { name: 'temporal_visibility', schema: 'postgresql/v12/visibility' },
] as const;

const SYSTEM_NAMESPACE = 'temporal-system';
const SCHEMA_TIMEOUT_MS = 120_000;

/**
 * Makes Temporal's login, databases and tables, or brings them up to date, and tells how to run its server: loopback only,
 * nobody is asked who he is. Safe to repeat. The namespace is made when the server runs.
 */
export async function prepareTemporalOnPostgres(options: TemporalOnPostgresOptions): Promise<ServiceSpec> {
  const password = randomBytes(24).toString('base64url');
  const names = DATABASES.map(({ name }) => name);
  await provisionTemporalDatabases(options.superuserUrl, names, password);
  for (const { name, schema } of DATABASES) await updateSchema(options, password, name, schema);

  const configFile = join(options.folder, 'server.yaml');
  const dynamicConfigFile = join(options.folder, 'dynamic.yaml');
  const config = serverConfig({
    port: options.port,
    servicePorts: await chooseServicePorts(join(options.folder, 'ports.json')),
    postgres: { port: options.postgresPort, user: TEMPORAL_ROLE, password },
    dynamicConfigFile,
  });
  const dynamic = Object.entries(TEMPORAL_TUNING).map(([name, value]) => [name, [{ value }]]);
  await writeFileAtomically(configFile, JSON.stringify(config, undefined, 2)); // JSON is YAML
  await writeFileAtomically(dynamicConfigFile, JSON.stringify(Object.fromEntries(dynamic), undefined, 2));
  return {
    name: 'temporal',
    file: options.programs.server,
    args: ['--config-file', configFile, '--allow-no-auth', 'start'],
    env: plainEnvironment(),
    stopSignal: 'SIGTERM',
    stopGraceMs: 20_000,
    readyTimeoutMs: 90_000,
    isReady: () => canListWorkflows({ ...options, namespace: SYSTEM_NAMESPACE }),
  };
}

/** Temporal's UI for that server, as a process of its own. */
export async function prepareTemporalUi(
  program: string,
  options: TemporalEndpoint & { folder: string; uiPort: number },
): Promise<ServiceSpec> {
  const config = {
    host: LOOPBACK,
    port: options.uiPort,
    temporalGrpcAddress: temporalAddress(options.port),
    defaultNamespace: options.namespace,
    enableUi: true,
    disableNewsFetch: true,
    cors: { allowOrigins: [`http://localhost:${String(options.uiPort)}`], cookieInsecure: true },
  };
  await writeFileAtomically(join(options.folder, 'ui', 'base.yaml'), JSON.stringify(config, undefined, 2));
  return {
    name: 'temporal-ui',
    file: program,
    args: ['--root', options.folder, '--config', 'ui', '--env', 'base', 'start'],
    env: plainEnvironment(),
    stopSignal: 'SIGTERM',
    stopGraceMs: 5_000,
    readyTimeoutMs: 30_000,
    isReady: () => isPortBusy(options.uiPort),
  };
}

async function updateSchema(
  { programs, postgresPort }: TemporalOnPostgresOptions,
  password: string,
  database: string,
  schema: string,
): Promise<void> {
  const where = ['--plugin', 'postgres12', '--ep', LOOPBACK, '--port', String(postgresPort)];
  const whose = ['--user', TEMPORAL_ROLE, '--db', database];
  for (const command of [
    ['setup-schema', '--version', '0.0'],
    ['update-schema', '--schema-name', schema],
  ]) {
    const result = await execa(programs.sqlTool, ['--quiet', ...where, ...whose, ...command], {
      reject: false,
      all: true,
      timeout: SCHEMA_TIMEOUT_MS,
      env: { SQL_PASSWORD: password },
    });
    if (result.failed) {
      const lastWords = result.all.trim().split('\n').slice(-6).join('\n  ');
      throw new SetupError(
        `Temporal's tables in ${database} could not be made; \`./dev reset\` begins anew:\n  ${lastWords}`,
      );
    }
  }
}

const portsSchema = z.record(z.enum(SERVICES), z.object({ rpc: z.number(), membership: z.number() }));

/** The ports of the last start where they are free: Temporal looks for its own parts there for a while after a crash. */
async function chooseServicePorts(file: string): Promise<ServicePorts> {
  const last = await readFile(file, 'utf8').catch(() => undefined);
  if (last !== undefined) {
    const ports = portsSchema.parse(JSON.parse(last));
    const all = Object.values(ports).flatMap(({ rpc, membership }) => [rpc, membership]);
    const busy = await Promise.all(all.map(isPortBusy));
    if (!busy.some(Boolean)) return ports;
  }
  // Temporal keeps these ports in columns that end at 32767.
  const numbers = await findFreePorts(2 * SERVICES.length);
  const ports = portsSchema.parse(
    Object.fromEntries(
      SERVICES.map((name, index) => [name, { rpc: numbers[2 * index], membership: numbers[2 * index + 1] }]),
    ),
  );
  await writeFileAtomically(file, JSON.stringify(ports));
  return ports;
}
