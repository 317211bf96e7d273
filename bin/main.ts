import { Command } from 'commander';
import { readOrchestratorConfig } from '../platform/config/orchestrator.ts';
import { ConfigError, optional } from '../platform/config/readers.ts';
import { serveUntilSignal } from '../platform/lifecycle.ts';
import { createLogger } from '../platform/logger.ts';
import { createMetrics } from '../platform/metrics.ts';
import { prepareTemporal } from '../platform/temporal/prepare.ts';
import { migrateToLatest, SchemaVersionError } from '../schema/migrate.ts';
import { findStarter, ROLE_NAMES } from './roles.ts';

const EXAMPLES = `
Examples:
  cynodeai migrate                                     bring database and Temporal namespace up to date
  cynodeai serve user-api control-plane orchestrator-worker
  cynodeai serve node-agent                            on every host that runs jobs

Settings come from the environment; see docs/configuration.md.`;

async function serve(names: readonly string[]): Promise<void> {
  const starters = names.map((name) => findStarter(name));
  const logger = createLogger({ role: names.join(','), level: optional(process.env, 'LOG_LEVEL') ?? 'info' });
  const metrics = createMetrics();
  const roles = [];
  for (const start of starters) roles.push(await start({ env: process.env, logger, metrics }));
  serveUntilSignal(roles, logger);
  logger.info({ roles: names }, 'serving');
}

async function migrate(): Promise<void> {
  const owner = optional(process.env, 'MIGRATION_DATABASE_URL');
  const { databaseUrl, temporal } = readOrchestratorConfig(process.env);
  await migrateToLatest(owner ?? databaseUrl);
  await prepareTemporal(temporal);
}

const program = new Command('cynodeai')
  .description('Runs the roles of CyNodeAI')
  .addHelpText('after', EXAMPLES)
  .showHelpAfterError('(see cynodeai --help)');
program
  .command('serve')
  .description('run one or several roles in this process until SIGTERM')
  .argument('<role...>', ROLE_NAMES.join(', '))
  .action((names: string[]) => serve(names));
program
  .command('migrate')
  .description('create or update the database schema, the Temporal namespace and its search attributes')
  .action(migrate);

try {
  await program.parseAsync();
} catch (error) {
  const plain = error instanceof ConfigError || error instanceof SchemaVersionError;
  const text =
    error instanceof Error ? (plain ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`cynodeai: ${text}\n`);
  process.exit(1);
}
