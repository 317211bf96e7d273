import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { WorkspaceRoot } from '../../node-agent/sandbox/index.ts';
import { eventually } from '../support/wait.ts';
import { openSandbox } from './sandbox-harness.ts';

/** Cannot remove a folder the first time, as when somebody on the host has it mounted. */
class BusyWorkspaces extends WorkspaceRoot {
  failures = 1;

  override async remove(plan: Parameters<WorkspaceRoot['remove']>[0]): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('EBUSY: resource busy');
    }
    await super.remove(plan);
  }
}

describe('a workspace that cannot be removed', () => {
  it('does not keep the lease of a container that is gone, and is removed later', async () => {
    await using sandbox = await openSandbox({ workspaces: (path) => new BusyWorkspaces(path) });
    const jobId = randomUUID();
    expect(await sandbox.run({ command: ['true'] }, { jobId })).toMatchObject({ status: 'completed' });
    expect(await sandbox.runner.gone(jobId, 1)).toBe(true);
    expect(await sandbox.containers()).toEqual([]);
    await eventually('its folder is gone', async () => (await sandbox.workspaces()).length === 0);
  });

  it('does not keep the attempt from running once more', async () => {
    await using sandbox = await openSandbox({ workspaces: (path) => new BusyWorkspaces(path) });
    const jobId = randomUUID();
    for (const said of ['one', 'two'])
      expect(await sandbox.run({ command: ['echo', said] }, { jobId })).toMatchObject({
        stdout: `${said}\n`,
      });
    await sandbox.runner.settled();
    expect(await sandbox.workspaces()).toEqual([]);
  });
});
