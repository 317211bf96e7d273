import { plainEnvironment, type ServiceSpec } from './service.ts';
import {
  canListWorkflows,
  CLI_SEARCH_ATTRIBUTES,
  TEMPORAL_IP,
  type TemporalEndpoint,
} from './temporal-operator.ts';

/** What tells one development server from another. */
export interface TemporalServerOptions extends TemporalEndpoint {
  /** Database file; its folder must exist. The server never runs in memory only. */
  databaseFile: string;
  uiPort: number;
}

/** Without these the server handles 20 tasks a second and shard, and every step waits for a 50 ms tick. */
export const TEMPORAL_TUNING = Object.fromEntries(
  ['transfer', 'timer', 'visibility'].map((queue) => [`history.${queue}ProcessorMaxPollRPS`, 2000] as const),
);

const SQLITE_PRAGMAS = ['journal_mode=wal', 'synchronous=normal'];

/** The tuned development server on loopback, with a database file, our namespace and search attributes. */
export function temporalServerSpec(options: TemporalServerOptions): ServiceSpec {
  const repeated = (flag: string, values: string[]): string[] => values.flatMap((value) => [flag, value]);
  return {
    name: 'temporal',
    file: options.cli,
    args: [
      ...['server', 'start-dev', '--ip', TEMPORAL_IP, '--log-level', 'warn'],
      ...['--db-filename', options.databaseFile, '--namespace', options.namespace],
      ...['--port', String(options.port), '--ui-port', String(options.uiPort)],
      ...repeated(
        '--search-attribute',
        CLI_SEARCH_ATTRIBUTES.map(([name, type]) => `${name}=${type}`),
      ),
      ...repeated(
        '--dynamic-config-value',
        Object.entries(TEMPORAL_TUNING).map(([name, value]) => `${name}=${String(value)}`),
      ),
      ...repeated('--sqlite-pragma', SQLITE_PRAGMAS),
    ],
    env: plainEnvironment(),
    stopSignal: 'SIGTERM',
    stopGraceMs: 15_000,
    readyTimeoutMs: 60_000,
    isReady: () => canListWorkflows(options),
  };
}
