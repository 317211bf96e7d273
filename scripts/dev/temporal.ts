import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomically } from '../engines/files.ts';
import { superuserUrl, type PostgresOptions } from '../engines/postgres.ts';
import type { ServiceSpec } from '../engines/service.ts';
import { SetupError, type Talk } from '../engines/talk.ts';
import { ensureTemporalCli } from '../engines/temporal-cli.ts';
import { createNamespace, setRetention, type TemporalEndpoint } from '../engines/temporal-operator.ts';
import { prepareTemporalOnPostgres, prepareTemporalUi } from '../engines/temporal-postgres.ts';
import { ensureTemporalPrograms, ensureTemporalUi } from '../engines/temporal-programs.ts';
import { temporalServerSpec } from '../engines/temporal-server.ts';
import { pathsOf, type Settings } from './settings.ts';

const kindSchema = z.enum(['file', 'postgres']);

/** Where Temporal keeps what it knows: the development server's file, or databases in our Postgres. */
export type TemporalKind = z.infer<typeof kindSchema>;

/** The kind that this state folder was set up with; undefined before its first start. */
export async function readTemporalKind(settings: Settings): Promise<TemporalKind | undefined> {
  const content = await readFile(pathsOf(settings).temporalKind, 'utf8').catch(() => undefined);
  return content === undefined ? undefined : kindSchema.parse(content.trim());
}

/** Keeps the kind for later starts. */
export async function rememberTemporalKind(settings: Settings, kind: TemporalKind): Promise<void> {
  await writeFileAtomically(pathsOf(settings).temporalKind, `${kind}\n`);
}

/**
 * The kind to start with: as wanted, as before, or the file.
 *
 * @throws SetupError when a running stack has another one, or there is no Postgres of ours for it.
 */
export async function chooseTemporalKind(
  settings: Settings,
  wanted: TemporalKind | undefined,
  isRunning: boolean,
): Promise<TemporalKind> {
  const last = await readTemporalKind(settings);
  const kind = wanted ?? last ?? 'file';
  if (kind === 'postgres' && settings.givenDatabase !== undefined) {
    throw new SetupError(
      'Temporal on Postgres needs the Postgres that ./dev starts: unset DATABASE_URL, or use --no-pg-temporal.',
    );
  }
  if (isRunning && kind !== (last ?? 'file')) {
    throw new SetupError(
      `CyNodeAI is up with Temporal ${last === 'postgres' ? 'on Postgres' : 'on a database file'}. Let its tasks end and run "./dev down" first: they do not move to the other one.`,
    );
  }
  return kind;
}

/** Obtains the programs that this kind needs. */
export async function ensureTemporal(kind: TemporalKind, talk: Talk): Promise<void> {
  await ensureTemporalCli(talk);
  if (kind === 'file') return;
  await ensureTemporalPrograms(talk);
  await ensureTemporalUi(talk);
}

/** Starts Temporal of the remembered kind by `start`, and prepares its namespace. On Postgres it waits for that. */
export async function startTemporal(
  settings: Settings,
  postgres: { options: PostgresOptions; ready: Promise<void> },
  talk: Talk,
  start: (spec: ServiceSpec) => Promise<void>,
): Promise<void> {
  const { ports, temporalNamespace } = settings;
  const paths = pathsOf(settings);
  const endpoint: TemporalEndpoint = {
    cli: await ensureTemporalCli(talk),
    port: ports.temporal,
    namespace: temporalNamespace,
  };
  if ((await readTemporalKind(settings)) !== 'postgres') {
    const { temporalDatabase: databaseFile } = paths;
    await start(temporalServerSpec({ ...endpoint, databaseFile, uiPort: ports.temporalUi }));
    await setRetention(endpoint);
    return;
  }
  await postgres.ready;
  const folder = paths.temporalOnPostgres;
  const programs = await ensureTemporalPrograms(talk);
  const { options } = postgres;
  const where = { folder, postgresPort: options.port, superuserUrl: superuserUrl(options) };
  await start(await prepareTemporalOnPostgres({ ...endpoint, ...where, programs }));
  await createNamespace(endpoint);
  const ui = await ensureTemporalUi(talk);
  await start(await prepareTemporalUi(ui, { ...endpoint, folder, uiPort: ports.temporalUi }));
}
