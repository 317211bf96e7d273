import { enableCompileCache, flushCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { readTracingConfig } from '../platform/config/tracing.ts';
import { ConfigError, optional, parseDurationMs } from '../platform/config/readers.ts';
import { neverFails, serveUntilSignal } from '../platform/lifecycle.ts';
import type { Role } from '../platform/lifecycle.ts';
import { createLogger } from '../platform/logger.ts';
import { createMetrics } from '../platform/metrics.ts';
import type { LocalWorker } from '../platform/temporal/client.ts';
import { startTracing } from '../platform/tracing.ts';
import { usageLine } from '../platform/usage-line.ts';
import { explainStart } from './explain.ts';
import { findStarter, ROLE_NAMES } from './roles.ts';

const EXAMPLES = `
Examples:
  cynodeai migrate                                     bring database and Temporal namespace up to date
  cynodeai serve user-api control-plane orchestrator-worker
  cynodeai serve node-agent                            on every host that runs jobs

Settings come from the environment; see docs/configuration.md.`;

async function serve(names: readonly string[]): Promise<void> {
  const starters = names.map((name) => ({ name, start: findStarter(name) }));
  const logger = createLogger({ role: names.join(','), level: optional(process.env, 'LOG_LEVEL') ?? 'info' });
  const metrics = createMetrics();
  const localWorker: LocalWorker = { client: null };
  const serving = serveUntilSignal(logger);
  for (const role of await startTraces(names)) serving.add(role);
  for (const { name, start } of starters) {
    try {
      serving.add(await start({ env: process.env, logger, metrics, localWorker }));
    } catch (error) {
      throw explainStart(name, error);
    }
  }
  logger.info({ roles: names }, 'serving');
  flushCompileCache(); // a process that is killed later keeps nothing
}

/**
 * Halves the time that a start needs for its code, and so how long a killed role is away. In a folder of this user only,
 * because what is there is run; where it cannot be written nothing is kept.
 */
function keepCompiledCode(): void {
  const cache = optional(process.env, 'XDG_CACHE_HOME') ?? join(homedir(), '.cache');
  enableCompileCache(optional(process.env, 'NODE_COMPILE_CACHE') ?? join(cache, 'cynodeai', 'compiled'));
}

/** Closed after the roles, so that their last spans are sent. */
async function startTraces(names: readonly string[]): Promise<Role[]> {
  const config = readTracingConfig(process.env, names);
  if (config === null) return [];
  const traces = await startTracing(config);
  return [
    { name: 'traces', failed: neverFails(), [Symbol.asyncDispose]: () => traces[Symbol.asyncDispose]() },
  ];
}

/** The code of the database is loaded only here: an image of the node agent has none. */
async function migrate({ wait }: { wait: string }): Promise<void> {
  const waitMs = parseDurationMs(wait);
  if (waitMs === undefined)
    throw new ConfigError(`--wait ${wait} is not a duration: write it like 30s, 2m or 0s`);
  const program = await import('./migrate.ts');
  await program.migrate(process.env, waitMs);
}

const program = new Command('cynodeai')
  .description('Runs the roles of CyNodeAI')
  .addHelpText('after', EXAMPLES)
  .configureOutput({ outputError: (text, write) => write(usageLine('cynodeai', text)) });
program
  .command('serve')
  .description('run one or several roles in this process until SIGTERM')
  .argument('<role...>', ROLE_NAMES.join(', '))
  .action((names: string[]) => serve(names));
program
  .command('migrate')
  .description('create or update the database schema, the Temporal namespace and its search attributes')
  .option('--wait <duration>', 'try this long while Postgres or Temporal cannot be used', '0s')
  .action(migrate);

keepCompiledCode();
try {
  await program.parseAsync();
} catch (error) {
  const plain = error instanceof ConfigError;
  const text =
    error instanceof Error ? (plain ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`cynodeai: ${text}\n`);
  process.exit(1);
}
