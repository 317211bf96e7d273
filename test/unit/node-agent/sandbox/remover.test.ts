import { describe, expect, it } from '@jest/globals';
import { ContainerRemover } from '../../../../node-agent/sandbox/remover.ts';
import { createLogger } from '../../../../platform/logger.ts';

const NAME = 'cynodeai-job-j-1';

describe('a removal', () => {
  it('that joins one under way also removes what took the name since', async () => {
    const containers = new Set<string>();
    const answer = Promise.withResolvers<void>();
    let calls = 0;
    const engine = {
      remove: async (name: string) => {
        calls += 1;
        containers.delete(name);
        if (calls === 1) await answer.promise;
        return 'gone' as const;
      },
    };
    const remover = new ContainerRemover(engine, createLogger({ role: 'test', level: 'silent' }));
    const first = remover.remove(NAME);
    containers.add(NAME);
    const joined = [remover.remove(NAME), remover.remove(NAME)];
    answer.resolve();
    await Promise.all([first, ...joined]);
    expect(containers).toEqual(new Set());
    expect(calls).toBe(2);
  });
});
