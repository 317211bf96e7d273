import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LeaseFolder, readLeases, type Lease } from '../../../../node-agent/watchdog/lease-files.ts';
import { bootId, bootTimeMs } from '../../../../platform/clock.ts';

const run = promisify(execFile);
const CLOCK = fileURLToPath(new URL('../../../../platform/clock.ts', import.meta.url));
const ATTEMPT = { task_id: 'a task', job_id: 'any/../text', attempt: 3, container: 'cynodeai-job-x-3' };

let parent: string;
let folder: LeaseFolder;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'cynodeai-leases-'));
  folder = new LeaseFolder(join(parent, 'leases'));
  await folder.prepare();
});
afterEach(async () => rm(parent, { recursive: true }));

/** All of them; a failed read fails the test. */
async function leases(): Promise<readonly Lease[]> {
  const look = await readLeases(folder.path);
  expect(look.failure).toBeNull();
  return look.leases;
}

describe('a lease file', () => {
  it('tells another process which container may act, and until when', async () => {
    const file = await folder.open(ATTEMPT, 123_456);
    expect(await leases()).toEqual([
      { ...ATTEMPT, run: folder.run, boot: bootId(), path: expect.any(String), deadlineMs: 123_456 },
    ]);
    await file.renew(130_001);
    expect((await leases()).map(({ deadlineMs }) => deadlineMs)).toEqual([130_001]);
    await file.remove();
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('holds deadlines of hosts that run for years to the millisecond', async () => {
    const deadlineMs = 5 * 366 * 86_400_000 + 7;
    await folder.open(ATTEMPT, deadlineMs);
    expect((await leases())[0]?.deadlineMs).toBe(deadlineMs);
  });

  it('may be renewed late, when it is removed already, but not when somebody else removed it', async () => {
    const own = await folder.open(ATTEMPT, 1);
    await own.remove();
    await own.renew(2);
    const lost = await folder.open(ATTEMPT, 1);
    await folder.clear();
    await expect(lost.renew(2)).rejects.toThrow(/ENOENT/);
    expect(await leases()).toEqual([]);
  });

  it('is one of many for attempts of the same name, none of which takes the place of another', async () => {
    const [first] = [await folder.open(ATTEMPT, 1), await folder.open(ATTEMPT, 2)];
    await first?.remove();
    expect((await leases()).map(({ deadlineMs }) => deadlineMs)).toEqual([2]);
  });

  it('is not taken for one while it is half written or is something else', async () => {
    await writeFile(join(folder.path, 'a.json.tmp'), '{}');
    await writeFile(join(folder.path, 'b.json'), '{"run":');
    expect(await leases()).toEqual([]);
    expect(await readLeases(join(parent, 'not there'))).toEqual({ leases: [], failure: null });
  });

  it('that cannot be read is not taken for none, and hides no other', async () => {
    await folder.open(ATTEMPT, 1);
    await mkdir(join(folder.path, 'a.json'));
    expect(await readLeases(folder.path)).toMatchObject({
      leases: [{ deadlineMs: 1 }],
      failure: { code: 'EISDIR' },
    });
    const noFolder = join(parent, 'a file');
    await writeFile(noFolder, '');
    expect(await readLeases(noFolder)).toMatchObject({ leases: [], failure: { code: 'ENOTDIR' } });
  });

  it('can be read by the agent’s user only', async () => {
    await folder.open(ATTEMPT, 1);
    const [name = ''] = await readdir(folder.path);
    expect(await readFile(join(folder.path, name), 'utf8')).not.toContain('\n');
    const { stdout } = await run('stat', ['-c', '%a', join(folder.path, name)]);
    expect(stdout.trim()).toBe('600');
  });
});

describe('the clock of the leases', () => {
  it('is the same in two processes, and so is the boot', async () => {
    const script = `import { bootId, bootTimeMs } from ${JSON.stringify(CLOCK)}; console.log(JSON.stringify([bootTimeMs(), bootId()]));`;
    const beforeMs = bootTimeMs();
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script]);
    const [otherMs, otherBoot] = JSON.parse(stdout) as [number, string];
    expect(otherMs).toBeGreaterThanOrEqual(beforeMs);
    expect(otherMs).toBeLessThanOrEqual(bootTimeMs());
    expect(otherBoot).toBe(bootId());
    expect(otherBoot).toMatch(/^[0-9a-f-]{36}$/);
  });
});
