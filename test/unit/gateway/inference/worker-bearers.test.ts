import { beforeEach, describe, expect, it } from '@jest/globals';
import { createWorkerBearers } from '../../../../gateway/inference/worker-bearers.ts';
import { createEnvelope } from '../../../../platform/crypto/envelope.ts';
import { openWorkerToken, sealNewWorkerToken } from '../../../../schema/nodes/worker-token.ts';

const envelope = createEnvelope(['a master secret of the tests, long enough']);
let opened = 0;
let nowMs = 0;
const counting = {
  open: (...args: Parameters<typeof envelope.open>) => {
    opened += 1;
    return envelope.open(...args);
  },
};
beforeEach(() => {
  opened = 0;
  nowMs = 0;
});

const nodeOf = (id: string) => ({ id, workerToken: sealNewWorkerToken(envelope, id) });
/** As the next reading of its row gives it. */
const readAgain = ({ id, workerToken: { kid, ciphertext } }: ReturnType<typeof nodeOf>) => ({
  id,
  workerToken: { kid, ciphertext: Buffer.from(ciphertext) },
});
const plain = ({ id, workerToken: { kid, ciphertext } }: ReturnType<typeof nodeOf>) =>
  openWorkerToken(envelope, { id, worker_token_kid: kid, worker_token_ciphertext: ciphertext });

describe('bearers of nodes', () => {
  it('are opened once a minute and node, however many calls there are', () => {
    const bearers = createWorkerBearers(counting, () => nowMs);
    const [a, b] = [nodeOf('a'), nodeOf('b')];
    for (let call = 0; call < 100; call += 1) {
      expect(bearers.of(readAgain(a))).toBe(plain(a));
      expect(bearers.of(readAgain(b))).toBe(plain(b));
    }
    expect(opened).toBe(2);
    nowMs = 60_001;
    expect(bearers.of(a)).toBe(plain(a));
    expect(opened).toBe(3);
  });

  it('follow a new token of the node at once, and never give that of another node', () => {
    const bearers = createWorkerBearers(counting, () => nowMs);
    const before = nodeOf('a');
    expect(bearers.of(before)).toBe(plain(before));
    const after = nodeOf('a');
    expect(bearers.of(after)).toBe(plain(after));
    expect(opened).toBe(2);
    expect(() => bearers.of({ id: 'b', workerToken: after.workerToken })).toThrow();
  });

  it('are kept of so many nodes only', () => {
    const bearers = createWorkerBearers(counting, () => nowMs);
    const nodes = Array.from({ length: 1_025 }, (_, index) => nodeOf(`node-${index}`));
    for (const node of nodes) bearers.of(node);
    opened = 0;
    for (const node of nodes.slice(-1_024)) bearers.of(node);
    expect(opened).toBe(0);
    const [first] = nodes;
    if (first !== undefined) bearers.of(first);
    expect(opened).toBe(1);
  });
});
