import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { isRoot } from '../../scripts/engines/system.ts';
import { startOwnDockerd, type OwnDockerd } from '../faults/own-dockerd.ts';

import { onRelease, releaseAll } from '../support/engines/releases.ts';
import { openRunFolder } from '../support/engines/run-folder.ts';
import { eventually } from '../support/wait.ts';
import { openSandbox } from './sandbox-harness.ts';

jest.setTimeout(120_000);

let dockerd: OwnDockerd;
beforeAll(async () => {
  if (!isRoot()) return;
  const run = await openRunFolder();
  onRelease(() => run.remove());
  const started = await startOwnDockerd(run);
  if (typeof started === 'string') throw new Error(started);
  dockerd = started;
});
afterAll(() => releaseAll());

// A daemon of its own needs root; everybody's must not be restarted.
(isRoot() ? describe : describe.skip)('a container engine that is restarted', () => {
  it('leaves no prepared container that is dead, and jobs get live ones again', async () => {
    await using own = await openSandbox({ warmPool: 2, dockerHost: dockerd.engine.host });
    const idle = async (): Promise<string[]> =>
      (await own.engine.listOwn(own)).filter((each) => each.idle).map(({ id }) => id);
    const before = await eventually('two of them', async () => {
      const ids = await idle();
      return own.ready() === 2 && ids;
    });
    await dockerd.service.crash('SIGTERM');
    await eventually('none is offered', async () => own.ready() === 0);
    await dockerd.service.restart();
    const first = await own.run({ command: ['echo', 'after'] });
    expect(first).toMatchObject({ status: 'completed', stdout: 'after\n' });
    await eventually(
      'others are ready and those from before are gone',
      async () => {
        const ids = await idle();
        return own.ready() === 2 && ids.length === 2 && ids.every((id) => !before.includes(id));
      },
      { timeoutMs: 60_000 },
    );
    const taken = own.counts.taken;
    expect(await own.run({ command: ['echo', 'again'] })).toMatchObject({ stdout: 'again\n' });
    expect(own.counts.taken).toBe(taken + 1);
  });
});
