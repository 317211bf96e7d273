import type { NodeIdentity } from './names.ts';
import type { OutputSinks } from './demultiplex.ts';
import type { ContainerPlan } from './plan.ts';
import type { SidecarPlan } from './sidecar.ts';
import type { ServicePlan } from './service-container.ts';

/** What a container engine has to do for us; the only implementation is `docker-engine.ts`. */
export interface ContainerEngine {
  /** Rejects when the engine does not answer within the time. */
  ping(timeoutMs: number): Promise<void>;
  info(): Promise<EngineInfo>;
  /** Id of an image that is on the host, which changes when another one is given its name; else null. */
  imageId(image: string): Promise<string | null>;
  /** @returns the id of the container. @throws EngineError */
  create(plan: ContainerPlan): Promise<string>;
  /** A container that owns the network namespace of a job's. @throws EngineError */
  createSidecar(plan: SidecarPlan): Promise<void>;
  /**
   * Starts a program in a container that runs, and gives it an input; what it says and how it ends is nobody's concern.
   * @param until lets go of it: the engine keeps the connection for ever when the container ends first
   * @throws EngineError
   */
  exec(name: string, argv: readonly string[], input: string, until: AbortSignal): Promise<void>;
  /** A container of the node itself. @throws EngineError */
  createService(plan: ServicePlan): Promise<void>;
  /** Delivers the output from now on. Has to be called before `start`. */
  attach(name: string, sinks: OutputSinks): Promise<Attachment>;
  /** As `attach`, of a container that awaits input: its input ends when this is disposed, or this process dies. */
  attachInput(name: string, sinks: OutputSinks): Promise<InputAttachment>;
  /** @throws EngineError `name_taken` */
  rename(name: string, newName: string): Promise<void>;
  /** What of its image's a container has. */
  imageFacts(name: string): Promise<ImageFacts>;
  /** @throws EngineError */
  start(name: string): Promise<void>;
  /** Exit code, when the container has stopped. */
  wait(name: string): Promise<number>;
  /** Whether the kernel killed the container, or a process in it, for its memory limit. */
  wasOutOfMemory(name: string): Promise<boolean>;
  /** Kills and removes a container, running or not. `gone`: it does not exist any more; `busy`: ask again. */
  remove(name: string): Promise<'gone' | 'busy'>;
  /** @throws EngineError `image_missing` with the registry's words */
  pull(image: string, signal: AbortSignal): Promise<void>;
  /** All containers, running or not, that carry the labels of this node and instance. */
  listOwn(identity: NodeIdentity): Promise<OwnContainer[]>;
}

/** Disposing lets go of the output: the engine keeps the connection for ever if the container is never started. */
export interface Attachment extends Disposable {
  /** Resolves when no more output can come. */
  readonly ended: Promise<void>;
}

export interface InputAttachment extends Attachment {
  readonly write: (text: string) => void;
}

export interface ImageFacts {
  readonly imageId: string;
  /** As `NAME=value`. */
  readonly env: readonly string[];
}

export interface OwnContainer {
  readonly id: string;
  /** Whether it waits for a job. */
  readonly idle: boolean;
}

export interface EngineInfo {
  readonly version: string;
  readonly rootless: boolean;
  readonly cgroupVersion: string;
  readonly seccomp: boolean;
  readonly cpuCores: number;
}

/** What went wrong, as far as it matters for what to do next. */
export type EngineErrorKind =
  /** The image is not on this host, or could not be got. */
  | 'image_missing'
  /** A container of that name exists. */
  | 'name_taken'
  /** The container is not there (any more). */
  | 'not_found'
  /** The engine refuses the container as it is: the job's fault. */
  | 'rejected'
  /** Anything else: the engine's or the host's fault. */
  | 'fault';

export class EngineError extends Error {
  readonly kind: EngineErrorKind;

  constructor(kind: EngineErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
    this.kind = kind;
  }
}
