import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Artifact, ArtifactList } from '../../contracts/artifacts.ts';
import type { Task } from '../../contracts/tasks.ts';
import { testSetting } from '../support/engines/environment.ts';
import type { Output } from '../support/stack/cynork-user.ts';
import { nodeIsActive } from '../support/stack/stack.ts';
import { useStack } from '../support/stack/use-stack.ts';
import { eventually } from '../support/wait.ts';

const own = useStack({ processes: [['user-api'], ['control-plane'], ['orchestrator-worker']] }, { slots: 4 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(testSetting('stateFolder'), 'files-'));
});

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const create = (...args: string[]): Promise<Output> => own.admin.run(['task', 'create', ...args]);

async function artifactsOf(task: string): Promise<Artifact[]> {
  return (await own.admin.json<ArtifactList>('task', 'artifacts', 'list', task)).artifacts;
}

describe('files of a task', () => {
  it('go to the job, and what it makes of them comes back byte for byte', async () => {
    const picture = randomBytes(2_000_000);
    const paths = [await file('pic "1" é.bin', picture), await file('list.txt', 'b\na\n')];
    const { code, stdout, stderr } = await create(
      ...['--name', 'transform', '--attach', paths[0] ?? '', '--attach', paths[1] ?? '', '--result'],
      ...['--command', 'cd /workspace/attachments; printf "%s\\n" *; sort list.txt; cd ..'],
      ...['--command', 'mkdir "$CYNODE_ARTIFACTS_DIR/deep"'],
      ...['--command', 'gzip -n < "attachments/pic \\"1\\" é.bin" > artifacts/deep/pic.gz'],
      ...['--command', 'touch artifacts/empty; echo changed > attachments/list.txt'],
    );
    expect([code, stdout]).toEqual([0, 'list.txt\npic "1" é.bin\na\nb\n']);
    expect(stderr).toContain('Artifacts: 2.');
    const list = await artifactsOf('transform');
    expect(list.map(({ kind, name, content_type: type }) => [kind, name, type])).toEqual([
      ['artifact', 'deep/pic.gz', 'application/gzip'],
      ['artifact', 'empty', 'application/octet-stream'],
      ['attachment', 'list.txt', 'application/octet-stream'],
      ['attachment', 'pic "1" é.bin', 'application/octet-stream'],
    ]);
    const out = join(folder, 'pic.gz');
    const saved = await own.admin.run(['task', 'artifacts', 'get', 'transform', 'deep/pic.gz', '--out', out]);
    expect(saved).toEqual({ code: 0, stdout: `saved=true path=${out}\n`, stderr: '' });
    const bytes = await readFile(out);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(list[0]?.sha256);
    expect(bytes.length).toBeGreaterThan(gzipSync(picture).length * 0.9);
    const back = join(folder, 'back');
    await own.admin.run(['task', 'artifacts', 'get', 'transform', 'pic "1" é.bin', '--out', back]);
    expect((await readFile(back)).equals(picture)).toBe(true);
    // The job changed its own copy only.
    const text = await own.admin.run(['task', 'artifacts', 'get', 'transform', 'list.txt', '--out', '-']);
    expect(text.stdout).toBe('b\na\n');
  }, 60_000);

  it('come from failed jobs as well, and what cannot be kept is said', async () => {
    const { code, stderr } = await create(
      ...['--name', 'fails', '--result'],
      ...['--command', 'cd artifacts; echo why > log.txt; ln -s /etc/passwd link; ln log.txt hard'],
      ...['--command', 'mkdir sub; echo x > sub/kept; exit 4'],
    );
    expect(code).toBe(1);
    expect(stderr).toContain('Not kept as artifacts: 1 (not regular files): link');
    expect(stderr).toContain('Not kept as artifacts: 2 (hard links): hard, log.txt');
    expect((await artifactsOf('fails')).map(({ name }) => name)).toEqual(['sub/kept']);
  }, 60_000);

  it('of a job that is cancelled are not kept', async () => {
    const { task_id: id } = await own.admin.json<Task>(
      ...['task', 'create', '--command', 'echo half > artifacts/x; sleep 60'],
    );
    await eventually(
      'it runs',
      async () => (await own.admin.json<Task>('task', 'get', id)).status === 'running',
    );
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await own.admin.run(['task', 'cancel', id, '--yes']);
    await eventually(
      'it ended',
      async () => (await own.admin.json<Task>('task', 'get', id)).status === 'canceled',
    );
    expect(await artifactsOf(id)).toEqual([]);
  }, 60_000);

  it('of an attempt whose node was killed half way are never seen', async () => {
    const path = await file('input.txt', 'in');
    // The first attempt leaves a file of its own and hangs; the second one finds the node new and ends.
    const { task_id: id } = await own.admin.json<Task>(
      ...['task', 'create', '--attach', path, '--timeout', '120'],
      ...['--command', 'cat attachments/input.txt > "artifacts/$(cat /proc/sys/kernel/random/uuid)"'],
      ...['--command', 'sleep 6'],
    );
    await eventually(
      'it runs',
      async () => (await own.admin.json<Task>('task', 'get', id)).status === 'running',
    );
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await own.node.process.kill('SIGKILL');
    own.node.process.start();
    await nodeIsActive(own.stack, own.node);
    const done = await own.admin.run(['-o', 'json', 'task', 'result', id, '--wait']);
    const result = JSON.parse(done.stdout) as { status: string; jobs: { attempt: number }[] };
    expect([result.status, result.jobs[0]?.attempt]).toEqual(['completed', 2]);
    const kinds = (await artifactsOf(id)).map(({ kind }) => kind);
    expect(kinds).toEqual(['artifact', 'attachment']);
  }, 120_000);

  it('survive a restart of the control plane while they are uploaded', async () => {
    const { task_id: id } = await own.admin.json<Task>(
      ...['task', 'create', '--command', 'sleep 2; head -c 3000000 /dev/urandom > artifacts/big'],
    );
    await eventually(
      'it runs',
      async () => (await own.admin.json<Task>('task', 'get', id)).status === 'running',
    );
    const control = own.stack.processOf('control-plane');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await control.kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    control.start();
    const done = await own.admin.run(['task', 'result', id, '--wait']);
    expect(done.code).toBe(0);
    expect((await artifactsOf(id)).map(({ name, size_bytes: size }) => [name, size])).toEqual([
      ['big', 3_000_000],
    ]);
    expect(await readdir(folder)).not.toContain('big');
  }, 90_000);
});
