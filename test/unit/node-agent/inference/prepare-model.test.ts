import { describe, expect, it } from '@jest/globals';
import { OllamaError } from '../../../../node-agent/inference/ollama-client.ts';
import { prepareModel, type PreparableInference } from '../../../../node-agent/inference/prepare-model.ts';

const WANTED = { model: 'tiny:1b', contextTokens: 2048 };
const never = new AbortController().signal;

function inference(prepare: () => Promise<void>, backend: 'none' | 'ready' = 'ready'): PreparableInference {
  return { report: () => ({ backend, reason: 'because' }), prepare };
}

describe('preparing a model', () => {
  it('fails for good on a node that shall have no Ollama', async () => {
    const prepared = prepareModel(
      inference(() => Promise.resolve(), 'none'),
      WANTED,
      never,
    );
    await expect(prepared).rejects.toMatchObject({ code: 'no_inference_path', message: 'because' });
  });

  it.each(['no_model', 'refused'] as const)('fails for good with what Ollama says (%s)', async (kind) => {
    const prepared = prepareModel(
      inference(() => Promise.reject(new OllamaError(kind, 'too large'))),
      WANTED,
      never,
    );
    await expect(prepared).rejects.toMatchObject({ code: 'model_unavailable', message: 'too large' });
  });

  it('waits for an Ollama that is away', async () => {
    let tries = 0;
    const prepare = async (): Promise<void> => {
      if (++tries < 3) throw new OllamaError('away', 'no answer');
    };
    await prepareModel(inference(prepare), WANTED, never);
    expect(tries).toBe(3);
  });

  it('ends the wait when it is cancelled', async () => {
    const over = new AbortController();
    const prepared = prepareModel(
      inference(() => Promise.reject(new OllamaError('away', 'no answer'))),
      WANTED,
      over.signal,
    );
    over.abort();
    await prepared;
  });

  it('hands its cancellation on, so that a given-up one changes nothing', async () => {
    const over = new AbortController();
    const seen: AbortSignal[] = [];
    const prepared = prepareModel(
      {
        report: () => ({ backend: 'ready' }),
        prepare: (_model, _tokens, signal) => {
          seen.push(signal);
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(new Error('given up')));
          });
        },
      },
      WANTED,
      over.signal,
    );
    over.abort();
    await prepared;
    expect(seen).toEqual([over.signal]);
  });
});
