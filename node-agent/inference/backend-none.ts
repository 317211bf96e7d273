import { BackendError, type Backend } from './backend.ts';

/** For a node that only uses an Ollama that somebody else runs. */
export const NO_BACKEND: Backend = {
  start: () =>
    Promise.reject(
      new BackendError(
        'this node starts no Ollama of its own (inference.backend: existing), and none answers: start the one at OLLAMA_BASE_URL',
      ),
    ),
  removeLeftovers: () => Promise.resolve(),
};
