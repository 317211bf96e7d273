import { mkdir } from 'node:fs/promises';
import { execa } from 'execa';
import { grantApplicationRole, provisionDatabase } from '../engines/database.ts';
import { ensureDocker, managesDockerd, pingDocker } from '../engines/docker.ts';
import type { DockerEngine } from '../engines/docker-api.ts';
import { preparePostgres, superuserUrl, type PostgresOptions } from '../engines/postgres.ts';
import { identifyProcess } from '../engines/processes.ts';
import type { ServiceSpec } from '../engines/service.ts';
import { SetupError, type Talk } from '../engines/talk.ts';
import { obtainInference, planInference } from './inference.ts';
import { boundLogs } from './log-files.ts';
import { agentWorkerSpec, DATABASE, migration, nodeAgentSpec, orchestratorSpec } from './roles.ts';
import { pathsOf, type Settings } from './settings.ts';
import type { Secrets } from './state-folder.ts';
import { SupervisedService } from './supervised-service.ts';
import { removeSupervisorState, supervisorStateWriter, type SupervisorState } from './supervisor-state.ts';
import { startTemporal } from './temporal.ts';
import { obtainToolsImage } from './tools-image.ts';

const HOUSEKEEPING_MS = 10_000;

/** Starts a stack in order, keeps every part of it running, and stops it in the opposite order. */
export class Supervisor {
  readonly #settings: Settings;
  readonly #secrets: Secrets;
  readonly #talk: Talk;
  readonly #services: SupervisedService[] = [];
  readonly #write: (state: SupervisorState) => Promise<void>;
  #phase: SupervisorState['phase'] = 'starting';
  #failure: string | undefined;
  #housekeeping: NodeJS.Timeout | undefined;

  constructor(settings: Settings, secrets: Secrets, talk: Talk) {
    this.#settings = settings;
    this.#secrets = secrets;
    this.#talk = talk;
    this.#write = supervisorStateWriter(settings);
  }

  /** Starts everything. What fails is written to the state, for whoever waits, and thrown. */
  async start(): Promise<void> {
    try {
      await mkdir(pathsOf(this.#settings).logs, { recursive: true });
      await this.#publish();
      const docker = await ensureDocker(this.#talk);
      const postgres = this.#startPostgres();
      const inference = planInference(docker);
      await Promise.all([postgres, this.#startTemporal(postgres), inference]);
      await this.#migrate();
      await this.#startService(orchestratorSpec(this.#settings, this.#secrets));
      await this.#startService(agentWorkerSpec(this.#settings, this.#secrets));
      const plan = await inference;
      await this.#startService(nodeAgentSpec(this.#settings, this.#secrets, docker, plan.env));
      void obtainToolsImage(docker, this.#settings, this.#talk);
      void obtainInference(plan, this.#settings, this.#talk);
      this.#housekeeping = setInterval(() => void this.#keepHouse(docker), HOUSEKEEPING_MS);
      await this.#enter('running');
    } catch (error) {
      // Stopped in the middle of a start, parts of it fail; that is nothing to report.
      if (this.#phase === 'starting') this.#failure = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  /** Stops everything; afterwards no process of ours is left. */
  async stop(): Promise<void> {
    clearInterval(this.#housekeeping);
    await this.#enter('stopping');
    for (const service of this.#services.toReversed()) {
      this.#talk.say(`stopping ${service.status.name}`);
      await service.stop();
    }
    if (this.#failure === undefined) await removeSupervisorState(this.#settings);
    else await this.#enter('failed');
  }

  /** A Postgres of our own with our logins and database in it; nothing where the user gave one. */
  async #startPostgres(): Promise<void> {
    if (this.#settings.givenDatabase) return;
    const options = this.#postgresOptions();
    await this.#startService(await preparePostgres(options, this.#talk));
    await provisionDatabase(superuserUrl(options), { database: DATABASE, ...this.#secrets });
  }

  async #startTemporal(postgresReady: Promise<void>): Promise<void> {
    const start = (spec: ServiceSpec): Promise<void> => this.#startService(spec);
    const postgres = { options: this.#postgresOptions(), ready: postgresReady };
    await startTemporal(this.#settings, postgres, this.#talk, start);
  }

  async #migrate(): Promise<void> {
    const { file, args, env } = migration(this.#settings, this.#secrets);
    const result = await execa(file, args, { env, extendEnv: false, reject: false, all: true });
    this.#talk.say(`migrate: ${result.failed ? result.all : 'done'}`);
    if (result.failed) throw new SetupError(`The database could not be migrated:\n${result.all}`);
    if (!this.#settings.givenDatabase) await grantApplicationRole(superuserUrl(this.#postgresOptions()));
  }

  #postgresOptions(): PostgresOptions {
    const { stateFolder, ports } = this.#settings;
    return { stateFolder, port: ports.postgres, password: this.#secrets.postgresPassword, durable: true };
  }

  async #startService(spec: ServiceSpec): Promise<void> {
    if (this.#phase === 'stopping') return;
    const logFile = pathsOf(this.#settings).log(spec.name);
    const service = new SupervisedService(spec, {
      logFile,
      onChange: () => void this.#publish(),
      say: (line) => this.#talk.say(line),
    });
    this.#services.push(service);
    this.#talk.say(`starting ${spec.name}`);
    if (await service.start()) return;
    const { lastExit } = service.status;
    throw new SetupError(
      `${spec.name} did not get ready${lastExit ? ` (${lastExit})` : ''}. Its log: ${logFile}`,
    );
  }

  async #keepHouse(docker: DockerEngine): Promise<void> {
    try {
      await boundLogs(pathsOf(this.#settings).logs);
      // Where there is no systemd nobody else would start it again.
      if ((await managesDockerd()) && (await pingDocker(docker.host)) === 'absent')
        await ensureDocker(this.#talk);
    } catch (error) {
      this.#talk.say(`housekeeping: ${String(error)}`);
    }
  }

  async #enter(phase: SupervisorState['phase']): Promise<void> {
    this.#phase = phase;
    await this.#publish();
  }

  async #publish(): Promise<void> {
    const supervisor = await identifyProcess(process.pid);
    if (supervisor === undefined) return;
    await this.#write({
      supervisor,
      phase: this.#phase,
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
      ports: this.#settings.ports,
      nodeSlug: this.#settings.nodeSlug,
      services: this.#services.map((service) => service.status),
    });
  }
}
