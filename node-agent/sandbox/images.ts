import type { ContainerEngine, EngineError } from './engine.ts';
import { stopReasonOf } from './stop.ts';

/** Gets images that are not on the host; several jobs that need one image share one pull. */
export class ImagePuller {
  readonly #engine: ContainerEngine;
  readonly #underway = new Map<string, Promise<void>>();

  constructor(engine: ContainerEngine) {
    this.#engine = engine;
  }

  /**
   * Waits for the image; the pull goes on for others when `signal` ends the wait.
   * @throws EngineError `image_missing`, its message says why
   * @throws JobStoppedError
   */
  async pull(image: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    let pull = this.#underway.get(image);
    if (pull === undefined) {
      pull = this.#engine
        .pull(image, AbortSignal.timeout(timeoutMs))
        .finally(() => this.#underway.delete(image));
      this.#underway.set(image, pull);
    }
    await unlessAborted(pull, signal);
  }
}

async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(stopReasonOf(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** What a user reads when an image cannot be had. */
export function imageMissingText(image: string, error: EngineError): string {
  return (
    `image "${image}" is not on this node and could not be pulled: ${error.message}. ` +
    'Check the name, or load the image on the node (docker pull, docker load).'
  );
}

/** What a user reads when an image may not be used. */
export function imageForbiddenText(image: string, lists: readonly (readonly string[])[]): string {
  const allowed = lists.map((list) => list.join(', ') || 'none').join(' and ');
  return `image "${image}" is not allowed on this node. Allowed: ${allowed}.`;
}
