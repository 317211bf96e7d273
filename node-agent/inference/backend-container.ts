import { LABEL, type ContainerEngine, type NodeIdentity } from '../sandbox/index.ts';
import type { ServicePlan } from '../sandbox/index.ts';
import { BackendError, variablesFor, type Backend, type RunningBackend, type StartOrder } from './backend.ts';

type Variant = NonNullable<StartOrder['configured']['variant']>;

export interface ContainerBackendOptions {
  readonly engine: Pick<
    ContainerEngine,
    'imageId' | 'pull' | 'createService' | 'start' | 'wait' | 'remove' | 'listOwn'
  >;
  readonly identity: NodeIdentity;
  readonly name: string;
  readonly volume: string;
  /** Undefined: as the orchestrator says, else the official one of the variant. */
  readonly image: string | undefined;
  /** Undefined: as the orchestrator says. */
  readonly variant: Variant | undefined;
}

/** Official images (contract §3.3); the one for Nvidia works without a GPU as well. */
const IMAGES: Readonly<Record<Variant, string>> = {
  cpu: 'ollama/ollama',
  cuda: 'ollama/ollama',
  rocm: 'ollama/ollama:rocm',
};
const CONTAINER_PORT = 11_434;
/** Ollama keeps its models and its key below its home, which is the volume whatever the image's own home is. */
const HOME = '/var/lib/ollama';
const PULL_MS = 60 * 60_000;

/** Ollama as a container: labelled as this node's, so that a clean-up finds it. */
export class ContainerBackend implements Backend {
  readonly #options: ContainerBackendOptions;

  constructor(options: ContainerBackendOptions) {
    this.#options = options;
  }

  /** Whether its image is on this host already. */
  async hasImage(order: StartOrder): Promise<boolean> {
    return (await this.#options.engine.imageId(this.planFor(order).image)) !== null;
  }

  /** What would be started. */
  planFor({ port, configured }: StartOrder): ServicePlan {
    const { name, volume, image, identity } = this.#options;
    const variant = this.#options.variant ?? configured.variant ?? 'cpu';
    return {
      name,
      image: image ?? configured.image ?? IMAGES[variant],
      env: { ...variablesFor(configured), HOME, OLLAMA_HOST: `0.0.0.0:${CONTAINER_PORT}` },
      labels: {
        [LABEL.node]: identity.nodeSlug,
        [LABEL.instance]: identity.instanceId,
        [LABEL.service]: 'ollama',
      },
      hostPort: port,
      containerPort: CONTAINER_PORT,
      volume: { name: volume, target: HOME },
      gpu: variant === 'cpu' ? 'none' : variant,
    };
  }

  async start(order: StartOrder, signal: AbortSignal): Promise<RunningBackend> {
    const { engine, name } = this.#options;
    const plan = this.planFor(order);
    try {
      if ((await engine.imageId(plan.image)) === null) {
        order.say(`pulling the image ${plan.image}`);
        await engine.pull(plan.image, AbortSignal.any([signal, AbortSignal.timeout(PULL_MS)]));
      }
      await engine.createService(plan);
      await engine.start(name);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new BackendError(`the container ${name} of ${plan.image} cannot be started: ${why}`, {
        cause: error,
      });
    }
    const exited = engine.wait(name).then(
      (code) => `container ended with exit code ${code}`,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    return { kind: 'container', exited, stop: () => this.#remove() };
  }

  /** The agent's own clean-up at its start takes all containers with its labels, and so this one. */
  removeLeftovers(): Promise<void> {
    return Promise.resolve();
  }

  async #remove(): Promise<void> {
    const { engine, name } = this.#options;
    while ((await engine.remove(name)) === 'busy') await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
