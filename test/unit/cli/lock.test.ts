import { readdir, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { withFileLock } from '../../../cli/config/lock.ts';
import { makeCliHome } from '../../support/fake-gateway/run-cli.ts';

/** Linux gives no process this id: it is above the largest that `pid_max` allows. */
const NO_SUCH_PID = 4_194_305;

describe('config lock', () => {
  it('lets one in at a time', async () => {
    await using home = await makeCliHome();
    const path = join(home.folder, 'lock');
    let inside = 0;
    let most = 0;
    const enter = (): Promise<void> =>
      withFileLock(path, undefined, async () => {
        most = Math.max(most, ++inside);
        await sleep(2);
        inside -= 1;
      });
    await Promise.all(Array.from({ length: 25 }, enter));
    expect(most).toBe(1);
    expect(await readdir(home.folder)).toEqual([]);
  });

  it('takes over the lock of a process that is gone, and only one of many does', async () => {
    await using home = await makeCliHome();
    const path = await home.file('lock', `${NO_SUCH_PID} ${hostname()} x\n`);
    let inside = 0;
    let most = 0;
    const enter = (): Promise<void> =>
      withFileLock(path, undefined, async () => {
        most = Math.max(most, ++inside);
        await sleep(5);
        inside -= 1;
      });
    await Promise.all(Array.from({ length: 10 }, enter));
    expect(most).toBe(1);
    expect(await readdir(home.folder)).toEqual([]);
  });

  it('takes over a lock that is too old, whoever holds it', async () => {
    await using home = await makeCliHome();
    const path = await home.file('lock', `1 another-host x\n`);
    const old = new Date(Date.now() - 60_000);
    await utimes(path, old, old);
    await expect(withFileLock(path, undefined, async () => 'in')).resolves.toBe('in');
  });

  it('is given back when the body fails', async () => {
    await using home = await makeCliHome();
    const path = join(home.folder, 'lock');
    const failing = withFileLock(path, undefined, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(await readdir(home.folder)).toEqual([]);
  });

  it('ends its wait on Ctrl-C', async () => {
    await using home = await makeCliHome();
    const path = await home.file('lock', `${process.pid} ${hostname()} x\n`);
    const waiting = withFileLock(path, AbortSignal.timeout(50), async () => 'in');
    await expect(waiting).rejects.toMatchObject({ exitCode: 130 });
  });
});
