import type { CapabilityReport } from '../../contracts/nodes.ts';
import type { NodeAgentConfig } from '../config/node-agent-config.ts';
import type { ContainerEngine, EngineInfo } from '../sandbox/index.ts';
import type { InferenceSupervisor } from '../inference/supervisor.ts';
import { capabilityHash, capabilityReport, type InferenceFacts } from '../telemetry/capability.ts';
import { findGpus, type GpuDevice } from '../telemetry/gpu.ts';
import { readHost } from '../telemetry/host.ts';

const PING_TIMEOUT_MS = 5_000;

type MeasuredInference = Pick<InferenceSupervisor, 'findExisting' | 'report'>;

/** Measures what the node can do, and reports it on change and at an interval (contract §8.2). */
export class CapabilityReporter {
  readonly #config: NodeAgentConfig;
  readonly #engine: ContainerEngine;
  readonly #storagePath: string;
  readonly #inference: MeasuredInference;
  #gpus: Promise<readonly GpuDevice[]> | undefined;
  #reportedHash: string | undefined;
  #reportedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    config: NodeAgentConfig,
    engine: ContainerEngine,
    storagePath: string,
    inference: MeasuredInference,
  ) {
    this.#inference = inference;
    this.#config = config;
    this.#engine = engine;
    this.#storagePath = storagePath;
  }

  /** A fresh report. GPUs are looked for once: they do not come and go. */
  async measure(): Promise<CapabilityReport> {
    this.#gpus ??= findGpus();
    const [gpus, host, engine, inference] = await Promise.all([
      this.#gpus,
      readHost(this.#storagePath),
      this.#measureEngine(),
      this.#measureInference(),
    ]);
    return capabilityReport({ config: this.#config, host, gpus, ...engine, inference }, new Date());
  }

  async #measureInference(): Promise<InferenceFacts> {
    const existing = await this.#inference.findExisting();
    const { backend, kind, models } = this.#inference.report();
    return { existing, running: backend === 'ready', kind, models: models.map(({ name }) => name).sort() };
  }

  /** An engine that is away is part of the report: it says why the node takes no work. */
  async #measureEngine(): Promise<{ engine: EngineInfo | undefined; hasDefaultImage: boolean }> {
    try {
      await this.#engine.ping(PING_TIMEOUT_MS);
      const engine = await this.#engine.info();
      return {
        engine,
        hasDefaultImage: (await this.#engine.imageId(this.#config.sandbox.defaultImage)) !== null,
      };
    } catch {
      return { engine: undefined, hasDefaultImage: false };
    }
  }

  /** Reports if something has changed since the last report, or the interval is over. */
  async reportIfDue(send: (report: CapabilityReport) => Promise<void>): Promise<void> {
    const report = await this.measure();
    const hash = capabilityHash(report);
    const isDue = performance.now() - this.#reportedAtMs >= this.#config.capabilityIntervalMs;
    if (hash === this.#reportedHash && !isDue) return;
    await send(report);
    this.#reportedHash = hash;
    this.#reportedAtMs = performance.now();
  }

  /** Makes the next report due: the control plane may have forgotten the last one. */
  forget(): void {
    this.#reportedHash = undefined;
  }
}
