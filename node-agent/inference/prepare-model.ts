import { CynodeError } from '../../contracts/errors.ts';
import type { NodeInference } from '../../contracts/node-inference.ts';
import { sleep } from '../../platform/clock.ts';
import { OllamaError } from './ollama-client.ts';

export interface PreparableInference {
  readonly report: () => Pick<NodeInference, 'backend' | 'reason'>;
  /** Changes nothing any more once the signal is aborted. */
  readonly prepare: (model: string, contextTokens: number, signal: AbortSignal) => Promise<void>;
}

const RETRY_MS = 1_000;
/** An Ollama that was ended is back much sooner; one that still has to be installed is not waited for. */
const AWAY_MS = 60_000;

/**
 * Waits until the node's Ollama has the model in memory. An Ollama that is being started is waited for. Returns when the
 * signal is aborted, after which nothing is changed.
 * @throws CynodeError `no_inference_path` when this node shall have no Ollama, `model_unavailable` when it cannot have the model
 */
export async function prepareModel(
  inference: PreparableInference,
  wanted: { readonly model: string; readonly contextTokens: number },
  signal: AbortSignal,
): Promise<void> {
  let awaySinceMs: number | undefined;
  while (!signal.aborted) {
    const { backend, reason = '' } = inference.report();
    if (backend === 'none') throw new CynodeError('no_inference_path', reason);
    try {
      return await inference.prepare(wanted.model, wanted.contextTokens, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof OllamaError)) throw error;
      if (error.kind !== 'away') throw unavailable(error.message, error);
      awaySinceMs ??= performance.now();
      if (performance.now() - awaySinceMs > AWAY_MS) throw unavailable(reason || error.message, error);
    }
    await sleep(RETRY_MS, signal);
  }
}

function unavailable(message: string, cause: unknown): CynodeError {
  return new CynodeError('model_unavailable', message, { cause });
}
