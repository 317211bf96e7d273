import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decideRegistration } from '../../../../schema/nodes/incarnation.ts';

const agent = (instanceId: string, incarnation?: number) => ({ instanceId, incarnation });
const known = (instanceId: string | null, leaseIsLive = false) => ({
  incarnation: 5,
  instanceId,
  leaseIsLive,
});

describe('deciding about a registration', () => {
  it('raises the incarnation for a process that starts', () => {
    expect(decideRegistration(known('a', true), agent('a'))).toEqual({ kind: 'register', incarnation: 6 });
    expect(decideRegistration(known('a'), agent('b'))).toEqual({ kind: 'register', incarnation: 6 });
  });

  it('renews for the same process, and refuses it once it was replaced', () => {
    expect(decideRegistration(known('a', true), agent('a', 5))).toEqual({ kind: 'renew' });
    expect(decideRegistration(known('a', true), agent('a', 4))).toEqual({ kind: 'replaced' });
    expect(decideRegistration(known('b'), agent('a', 5))).toEqual({ kind: 'replaced' });
  });

  it('refuses a twin while the lease of the first is live', () => {
    expect(decideRegistration(known('a', true), agent('b'))).toEqual({ kind: 'twin' });
    expect(decideRegistration(known('a', true), agent('b', 5))).toEqual({ kind: 'twin' });
    expect(decideRegistration(known('a', true), null)).toEqual({ kind: 'twin' });
  });

  it('keeps the incarnation of a node without an agent, and raises it when the kind of node changes', () => {
    expect(decideRegistration(known(null), null)).toEqual({ kind: 'register', incarnation: 5 });
    expect(decideRegistration(known('a'), null)).toEqual({ kind: 'register', incarnation: 6 });
    expect(decideRegistration(known(null), agent('a'))).toEqual({ kind: 'register', incarnation: 6 });
  });

  it('never lowers an incarnation, and never repeats one for an agent', () => {
    const instance = fc.constantFrom('a', 'b');
    const anyAgent = fc.record({
      instanceId: instance,
      incarnation: fc.option(fc.nat(20), { nil: undefined }),
    });
    const anyKnown = fc.record({
      incarnation: fc.nat(20),
      instanceId: fc.option(instance),
      leaseIsLive: fc.boolean(),
    });
    fc.assert(
      fc.property(anyKnown, fc.option(anyAgent), (stored, registering) => {
        const decision = decideRegistration(stored, registering);
        if (decision.kind !== 'register') return true;
        return registering === null
          ? decision.incarnation >= stored.incarnation
          : decision.incarnation > Math.max(stored.incarnation, registering.incarnation ?? 0);
      }),
    );
  });
});
