import { describe, expect, it } from '@jest/globals';
import { decideBackend, type BackendFacts } from '../../../../node-agent/inference/decide.ts';

const FACTS: BackendFacts = {
  existing: false,
  mode: undefined,
  sandboxOnly: false,
  configured: { enabled: true },
};

describe('the decision about the Ollama of this node', () => {
  it('uses one that is there, whatever else is said', () => {
    const facts: BackendFacts = {
      existing: true,
      mode: 'disabled',
      sandboxOnly: true,
      configured: undefined,
    };
    expect(decideBackend(facts)).toEqual({ kind: 'existing' });
  });

  it('starts one when the orchestrator says so', () => {
    expect(decideBackend(FACTS)).toEqual({ kind: 'start' });
  });

  it.each([
    [{ mode: 'disabled' }, 'disabled'],
    [{ sandboxOnly: true }, 'sandbox_only'],
    [{ configured: undefined }, 'asks for no models'],
    [{ configured: {} }, 'wants no Ollama'],
    [{ configured: { enabled: false, reason: 'because' } }, 'because'],
  ] as const)('has none with %j', (over, reason) => {
    const decision = decideBackend({ ...FACTS, ...over });
    expect(decision).toEqual({ kind: 'none', reason: expect.stringContaining(reason) });
  });
});
