import { describe, expect, it } from '@jest/globals';
import { leftContainers, POOL_SIZE } from '../../faults/left-containers.ts';

const labels = { 'cynodeai.node': 'test-1-n1' };
const idle = (id: number, State = 'running') => ({
  Names: [`/cynodeai-pool-x-${id}`],
  State,
  Labels: { ...labels, 'cynodeai.pool': 'x' },
});

describe('containers at rest', () => {
  it('may be as many idle ones as the pool has', () => {
    expect(
      leftContainers(
        Array.from({ length: POOL_SIZE }, (_, id) => idle(id)),
        'test-1',
      ),
    ).toEqual([]);
  });

  it('are left when there are more, when they have ended, and when they have the name of a job', () => {
    const more = Array.from({ length: POOL_SIZE + 1 }, (_, id) => idle(id));
    expect(leftContainers(more, 'test-1')).toEqual([`/cynodeai-pool-x-${POOL_SIZE} (running)`]);
    expect(leftContainers([idle(7, 'exited')], 'test-1')).toEqual(['/cynodeai-pool-x-7 (exited)']);
    const taken = { ...idle(8), Names: ['/cynodeai-job-j-1'] };
    expect(leftContainers([taken], 'test-1')).toEqual(['/cynodeai-job-j-1 (running)']);
  });

  it('of others are not looked at', () => {
    expect(leftContainers([idle(7, 'exited')], 'test-2')).toEqual([]);
  });
});
