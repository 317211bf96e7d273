import { createServer } from 'node:net';
import { AwayError, ConfigError } from '../../platform/config/readers.ts';
import type { ListenAddress } from '../../platform/config/readers.ts';
import { sleep } from '../../platform/clock.ts';
import { HttpStatusError } from '../../platform/http/client.ts';
import type { AgentParts } from './agent-parts.ts';
import { repeat } from './loop.ts';
import { readinessOf } from './readiness.ts';
import { waitForOrchestrator } from './orchestrator-client.ts';

const SECOND_MS = 1000;
const ENGINE_TIMEOUT_MS = 10 * SECOND_MS;
/** A container engine that is restarted is back by then. */
const ENGINE_PATIENCE_MS = 15 * SECOND_MS;
const PAUSE_MS = SECOND_MS;
/** How often what did not get through is tried again, and changes are looked for. */
const UPKEEP_MS = 5 * SECOND_MS;

/**
 * The start order of design §5 and contract §8.6. A configuration that cannot be applied does not end the start: it is
 * acknowledged as failed and tried again.
 * @throws ConfigError that says what to do, when the node cannot be registered
 */
export async function startAgent(parts: AgentParts): Promise<void> {
  const { config, logger, runner, leases, watchdog } = parts;
  // First of all: it also ends what an earlier run has left, however long the rest takes.
  await leases.prepare();
  watchdog.start();
  logger.info({ orchestratorUrl: config.orchestratorUrl }, 'waiting for the orchestrator');
  if (!(await waitForOrchestrator(config.orchestratorUrl, config.readinessTimeoutMs, parts.closing.signal))) {
    throw new ConfigError(
      `the orchestrator does not answer at ${config.orchestratorUrl}: start it, or correct ORCHESTRATOR_URL`,
    );
  }
  await tryFor(Math.min(ENGINE_PATIENCE_MS, config.readinessTimeoutMs), parts, 'the container engine', () =>
    checkEngine(parts),
  );
  const removed = await runner.removeLeftovers();
  if (removed > 0) logger.info({ removed }, 'containers of an earlier run removed');
  await leases.clear();
  await parts.inference.removeLeftovers();
  await deliverLeftResults(parts);
  await register(parts);
  await tryFor(config.readinessTimeoutMs, parts, 'its configuration', () => parts.configs.refresh());
  if (!parts.workerApi.server.listening) await checkPort(config.workerApi.listen);
  await parts.capability
    .reportIfDue((report) => parts.orchestrator.reportCapability(report))
    .catch((error: unknown) => {
      logger.warn({ err: error }, 'capability could not be reported, trying again');
    });
  startUpkeep(parts);
}

/** A port that is taken has been acknowledged as a failure; only the operator can do something about it, so the start ends. */
async function checkPort({ host, port }: ListenAddress): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer().once('error', reject);
  server.listen({ host, port }, () => server.close(() => resolve()));
  await promise;
}

async function checkEngine({ engine, config }: AgentParts): Promise<void> {
  try {
    await engine.ping(ENGINE_TIMEOUT_MS);
  } catch (error) {
    throw new AwayError(
      `no container engine answers at ${config.sandbox.dockerHost} (${error instanceof Error ? error.message : String(error)}): ` +
        'start Docker, allow this user to use it, or correct DOCKER_HOST',
    );
  }
}

/** Registering ends the attempts of the run before, so what it has finished is delivered first, with its own token. */
async function deliverLeftResults({ outbox, session, logger }: AgentParts): Promise<void> {
  await outbox.prepare();
  if ((await outbox.count()) === 0 || !(await session.resume())) return;
  const left = await outbox.sweep();
  logger.info({ left }, 'results of an earlier run delivered');
}

async function register(parts: AgentParts): Promise<void> {
  const { config, session } = parts;
  await tryFor(config.readinessTimeoutMs, parts, 'its registration', async () => {
    await session.register().catch((error: unknown): never => {
      throw refusalOf(error, config.slug) ?? error;
    });
  });
}

/**
 * Does the work again each second while what it needs is away.
 * @throws its last error when the time is over or the agent ends, at once for what no repetition would change
 */
async function tryFor(
  forMs: number,
  { logger, closing }: Pick<AgentParts, 'logger' | 'closing'>,
  waitsFor: string,
  work: () => Promise<void>,
): Promise<void> {
  const deadlineMs = performance.now() + forMs;
  for (let told = false; ; told = true) {
    try {
      return await work();
    } catch (error) {
      const final = error instanceof ConfigError && !(error instanceof AwayError);
      if (final || performance.now() > deadlineMs || closing.signal.aborted) throw error;
      if (!told) logger.warn({ err: error, waitsFor }, 'the start waits');
      await sleep(PAUSE_MS, closing.signal);
    }
  }
}

/** What no repetition would change. */
export function refusalOf(error: unknown, slug: string): ConfigError | null {
  if (!(error instanceof HttpStatusError)) return null;
  switch (error.status) {
    case 401:
      return new ConfigError(
        'the orchestrator refuses NODE_REGISTRATION_PSK: give this node the value that the orchestrator has',
      );
    case 409:
      return new ConfigError(
        `another live node agent holds the slug ${slug}: stop it, or set another NODE_SLUG (${error.message})`,
      );
    case 400:
      return new ConfigError(`the orchestrator refuses the registration: ${error.message}`);
    default:
      return null;
  }
}

/** Everything that goes on beside the jobs, until the agent begins to end. */
function startUpkeep(parts: AgentParts): void {
  const { session, logger, configs, outbox, capability, orchestrator, failed } = parts;
  const options = { signal: parts.closing.signal, logger };
  const lookMs = Math.min(UPKEEP_MS, parts.config.capabilityIntervalMs);
  parts.pool.start(parts.closing.signal, async () => (await readinessOf(parts)) === null);
  session.onReplaced(() => void startOver(parts));
  session.keepFresh().catch((error: unknown) => failed.reject(refusalOf(error, parts.config.slug) ?? error));
  void parts.contact.run(parts.closing.signal);
  void repeat('results', UPKEEP_MS, async () => void (await outbox.sweep()), options);
  void repeat('configuration', lookMs, () => configs.keepUp(parts.config.capabilityIntervalMs), options);
  const report = (): Promise<void> =>
    capability.reportIfDue(async (measured) => {
      await orchestrator.reportCapability(measured);
      // What the orchestrator wants of this node's models follows from what it has.
      await configs.refresh({ force: false });
    });
  void repeat('capability', lookMs, report, options);
}

/** The control plane took a renewal for a new run: nothing in hand is ours any more. */
async function startOver({ runner, configs, capability, logger }: AgentParts): Promise<void> {
  capability.forget();
  await runner.stopAll('lease_lost');
  await configs.refresh().catch((error: unknown) => {
    logger.warn({ err: error }, 'configuration could not be fetched, trying again');
  });
}
