import { execa } from 'execa';
import { NAMESPACE_RETENTION_DAYS, SEARCH_ATTRIBUTES } from '../../contracts/temporal.ts';
import { plainEnvironment, type ServiceSpec } from './service.ts';
import { SetupError } from './talk.ts';

/** What tells one development server from another. */
export interface TemporalServerOptions {
  cli: string;
  /** Database file; its folder must exist. The server never runs in memory only. */
  databaseFile: string;
  port: number;
  uiPort: number;
  namespace: string;
}

const IP = '127.0.0.1';

/** Temporal's names of the types, and the command line's. */
const CLI_TYPES = { KEYWORD: 'Keyword', KEYWORD_LIST: 'KeywordList' } as const;

/** Without these the server handles 20 tasks a second and shard, and every step waits for a 50 ms tick. */
const TUNING = {
  dynamicConfig: ['transfer', 'timer', 'visibility'].map(
    (queue) => `history.${queue}ProcessorMaxPollRPS=2000`,
  ),
  sqlitePragmas: ['journal_mode=wal', 'synchronous=normal'],
};

/** The tuned development server on loopback, with a database file, our namespace and search attributes. */
export function temporalServerSpec(options: TemporalServerOptions): ServiceSpec {
  const repeated = (flag: string, values: string[]): string[] => values.flatMap((value) => [flag, value]);
  return {
    name: 'temporal',
    file: options.cli,
    args: [
      ...['server', 'start-dev', '--ip', IP, '--log-level', 'warn'],
      ...['--db-filename', options.databaseFile, '--namespace', options.namespace],
      ...['--port', String(options.port), '--ui-port', String(options.uiPort)],
      ...repeated(
        '--search-attribute',
        Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => `${name}=${CLI_TYPES[type]}`),
      ),
      ...repeated('--dynamic-config-value', TUNING.dynamicConfig),
      ...repeated('--sqlite-pragma', TUNING.sqlitePragmas),
    ],
    env: plainEnvironment(),
    stopSignal: 'SIGTERM',
    stopGraceMs: 15_000,
    readyTimeoutMs: 60_000,
    isReady: () => canListWorkflows(options),
  };
}

/** The frontend's address, as clients want it. */
export function temporalAddress(port: number): string {
  return `${IP}:${String(port)}`;
}

/** Health is not enough: the server answers it before visibility and the namespace are usable. */
async function canListWorkflows(options: TemporalServerOptions): Promise<boolean> {
  const result = await runCli(options, ['workflow', 'list', '--limit', '1']);
  return !result.failed;
}

/** Keeps closed workflows as long as the contract says; a namespace made by the server itself keeps them for a day. */
export async function setRetention(options: TemporalServerOptions): Promise<void> {
  const retention = ['--retention', `${String(NAMESPACE_RETENTION_DAYS)}d`];
  const result = await runCli(options, ['operator', 'namespace', 'update', ...retention]);
  if (result.failed) throw new SetupError(`Temporal's retention could not be set: ${result.stderr.trim()}`);
}

function runCli(options: TemporalServerOptions, command: string[]) {
  const target = ['--address', temporalAddress(options.port), '--namespace', options.namespace];
  return execa(options.cli, [...command, ...target], { reject: false, timeout: 5_000 });
}
