import { dirname } from 'node:path';
import { execa } from 'execa';
import { findExecutable } from './files.ts';
import { ensureGoProgram } from './go-program.ts';
import { SetupError, type Talk } from './talk.ts';

const VERSION = '1.32.1';
const MINIMUM_VERSION: readonly [number, number] = [1, 32];
const UI_VERSION = '2.54.1';
const GO_VERSION = '1.26.8';
const SQL_TOOL = 'temporal-sql-tool';

/** Temporal's server and the tool that makes its tables, of the same version. */
export interface TemporalPrograms {
  server: string;
  sqlTool: string;
}

const OTHERWISE = `Or set TEMPORAL_SERVER to a temporal-server of version ${MINIMUM_VERSION.join('.')} or newer that has its ${SQL_TOOL} beside it.`;

/**
 * Gives Temporal's server as it runs on Postgres: `TEMPORAL_SERVER`, `temporal-server` on PATH, the cache, or a build
 * from its Go module, in this order. Its tool lies beside it or on PATH.
 *
 * @throws SetupError when `TEMPORAL_SERVER` does not fit or there is no way to one.
 */
export async function ensureTemporalPrograms(talk: Talk): Promise<TemporalPrograms> {
  const given = process.env['TEMPORAL_SERVER'];
  const found = await completed(given ? given : await findExecutable('temporal-server'));
  if (found !== undefined) return found;
  if (given) {
    throw new SetupError(
      `TEMPORAL_SERVER=${given} does not fit: it has to be a temporal-server of version ${MINIMUM_VERSION.join('.')} or newer, with the ${SQL_TOOL} of the same version beside it or on the path.`,
    );
  }
  const common = { version: VERSION, goVersion: GO_VERSION, otherwise: OTHERWISE };
  const server = await ensureGoProgram(
    {
      ...common,
      name: 'temporal-server',
      packagePath: 'go.temporal.io/server/cmd/server',
      effort: 'about 14 minutes of CPU, 120 MB',
    },
    talk,
  );
  const sqlTool = await ensureGoProgram(
    {
      ...common,
      name: SQL_TOOL,
      packagePath: 'go.temporal.io/server/cmd/tools/sql',
      effort: 'some seconds after the server, 30 MB',
    },
    talk,
  );
  return { server, sqlTool };
}

/** Temporal's UI, which the development server has in it: on PATH, in the cache, or built. */
export async function ensureTemporalUi(talk: Talk): Promise<string> {
  const onPath = await findExecutable('temporal-ui-server');
  if (onPath !== undefined) return onPath;
  return ensureGoProgram(
    {
      name: 'temporal-ui-server',
      packagePath: 'github.com/temporalio/ui-server/v2/cmd/server',
      version: UI_VERSION,
      goVersion: '1.26.5',
      effort: 'about two minutes of CPU, 40 MB',
      otherwise: 'Or put a temporal-ui-server on the path.',
    },
    talk,
  );
}

/** The server with its tool, when both are there in a version that fits. */
async function completed(server: string | undefined): Promise<TemporalPrograms | undefined> {
  if (server === undefined) return undefined;
  const sqlTool = await findExecutable(SQL_TOOL, [dirname(server)]);
  if (sqlTool === undefined) return undefined;
  const [version, toolVersion] = [await versionOf(server), await versionOf(sqlTool)];
  if (version === undefined || version !== toolVersion) return undefined;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const fits = major > MINIMUM_VERSION[0] || (major === MINIMUM_VERSION[0] && minor >= MINIMUM_VERSION[1]);
  return fits ? { server, sqlTool } : undefined;
}

async function versionOf(program: string): Promise<string | undefined> {
  const { stdout } = await execa(program, ['--version'], { reject: false, timeout: 10_000 });
  return /version (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
}
