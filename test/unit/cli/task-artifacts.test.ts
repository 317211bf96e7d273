import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Artifact } from '../../../contracts/artifacts.ts';
import { makeLoggedInHome, type CliHome } from '../../support/fake-gateway/run-cli.ts';
import { problem, startFakeGateway, type FakeGateway } from '../../support/fake-gateway/server.ts';
import { replies, resultWith, TASK_ID } from '../../support/fake-gateway/task-samples.ts';

const CONTENT = Buffer.from([0, 255, 1, 254, 13, 10]);
const ARTIFACT_ID = '66666666-6666-4666-8666-666666666666';
const ARTIFACT: Artifact = {
  artifact_id: ARTIFACT_ID,
  kind: 'artifact',
  name: 'out/re port.bin',
  content_type: 'application/octet-stream',
  size_bytes: CONTENT.length,
  sha256: createHash('sha256').update(CONTENT).digest('hex'),
  created_at: '2026-03-01T10:00:00Z',
};
const BARE: Artifact = {
  artifact_id: '77777777-7777-4777-8777-777777777777',
  kind: 'attachment',
  name: 'notes.txt',
  created_at: '2026-03-01T10:00:00Z',
};
const LIST = 'GET /v1/tasks/:id/artifacts';
const GET = 'GET /v1/tasks/:id/artifacts/:artifact';

interface Scene extends AsyncDisposable {
  readonly gateway: FakeGateway;
  readonly home: CliHome;
}

async function openScene(): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const gateway = stack.use(await startFakeGateway());
  const home = stack.use(await makeLoggedInHome(gateway));
  gateway.on(LIST, { json: { task_id: TASK_ID, artifacts: [ARTIFACT, BARE], next_cursor: '' } });
  gateway.on(GET, { bytes: CONTENT });
  const held = stack.move();
  return { gateway, home, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

describe('cynork task artifacts list', () => {
  it('prints a line per file, and how to go on', async () => {
    await using scene = await openScene();
    const { home, gateway } = scene;
    gateway.on(LIST, { json: { task_id: TASK_ID, artifacts: [ARTIFACT, BARE], next_cursor: 'abc' } });
    const { code, stdout, stderr } = await home.run(['task', 'artifacts', 'list', 'my-task', '-l', '2']);
    expect([code, stderr]).toEqual([0, 'More with --cursor abc\n']);
    expect(stdout).toBe(
      `artifact_id=${ARTIFACT_ID} kind=artifact name="out/re port.bin" content_type=application/octet-stream size_bytes=6\n` +
        `artifact_id=${BARE.artifact_id} kind=attachment name=notes.txt\n`,
    );
    expect(gateway.requests[0]).toMatchObject({ params: { id: 'my-task' }, query: { limit: '2' } });
  });

  it('prints the reply as JSON', async () => {
    await using scene = await openScene();
    const { stdout } = await scene.home.run(['task', 'artifacts', 'list', 'my-task', '-o', 'json']);
    expect(JSON.parse(stdout)).toEqual({ task_id: TASK_ID, artifacts: [ARTIFACT, BARE] });
  });
});

describe('cynork task artifacts get', () => {
  const get = (home: CliHome, ...args: string[]) =>
    home.run(['task', 'artifacts', 'get', 'my-task', ...args]);

  it.each([ARTIFACT_ID, ARTIFACT.name])('saves the file that is asked for as %s', async (idOrName) => {
    await using scene = await openScene();
    const { home, gateway } = scene;
    const path = join(home.folder, 'saved.bin');
    expect(await get(home, idOrName, '--out', path)).toEqual({
      code: 0,
      stdout: `saved=true path=${path}\n`,
      stderr: '',
    });
    expect(await readFile(path)).toEqual(CONTENT);
    expect(gateway.requests.at(-1)?.params).toEqual({ id: 'my-task', artifact: ARTIFACT_ID });
    expect((await readdir(home.folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('looks for a name on later pages too', async () => {
    await using scene = await openScene();
    const { home, gateway } = scene;
    gateway.onEach(
      LIST,
      { json: { task_id: TASK_ID, artifacts: [BARE], next_cursor: 'more' } },
      { json: { task_id: TASK_ID, artifacts: [ARTIFACT], next_cursor: '' } },
    );
    expect(await get(home, ARTIFACT.name, '--out', join(home.folder, 'x'))).toMatchObject({ code: 0 });
    expect(gateway.requests[1]?.query).toMatchObject({ cursor: 'more' });
  });

  it('says in JSON what was saved', async () => {
    await using scene = await openScene();
    const path = join(scene.home.folder, 'saved');
    const { stdout } = await get(scene.home, ARTIFACT_ID, '--out', path, '-o', 'json');
    expect(JSON.parse(stdout)).toEqual({ saved: true, path });
  });

  it('replaces a file only when told to', async () => {
    await using scene = await openScene();
    const { home, gateway } = scene;
    const path = await home.file('there', 'precious');
    const refused = await get(home, ARTIFACT_ID, '--out', path);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('Use --force to replace it.') });
    expect(gateway.requests).toEqual([]);
    expect(await readFile(path, 'utf8')).toBe('precious');
    expect(await get(home, ARTIFACT_ID, '--out', path, '--force')).toMatchObject({ code: 0 });
    expect(await readFile(path)).toEqual(CONTENT);
  });

  it('writes it to stdout, and nothing else', async () => {
    await using scene = await openScene();
    const text = Buffer.from('grün\n');
    const sha256 = createHash('sha256').update(text).digest('hex');
    scene.gateway.on(LIST, { json: { task_id: TASK_ID, artifacts: [{ ...ARTIFACT, sha256 }] } });
    scene.gateway.on(GET, { bytes: text });
    expect(await get(scene.home, ARTIFACT_ID, '--out', '-')).toEqual({
      code: 0,
      stdout: 'grün\n',
      stderr: '',
    });
  });

  it('leaves nothing behind when the content is not what it should be', async () => {
    await using scene = await openScene();
    scene.gateway.on(GET, { bytes: Buffer.from('something else') });
    const path = join(scene.home.folder, 'saved');
    const { code, stderr } = await get(scene.home, ARTIFACT_ID, '--out', path);
    expect([code, stderr]).toEqual([7, expect.stringContaining('came damaged')]);
    expect(await readdir(scene.home.folder)).toEqual(['config.yaml']);
  });

  it('tries again when the connection breaks', async () => {
    await using scene = await openScene();
    scene.gateway.onEach(GET, { breakOff: true }, { bytes: CONTENT });
    const path = join(scene.home.folder, 'saved');
    expect(await get(scene.home, ARTIFACT_ID, '--out', path)).toMatchObject({ code: 0 });
    expect(await readFile(path)).toEqual(CONTENT);
  });

  it('says what is missing', async () => {
    await using scene = await openScene();
    const { home, gateway } = scene;
    const out = ['--out', join(home.folder, 'x')];
    expect(await get(home, 'nope', ...out)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('the task has no file nope'),
    });
    expect(await get(home, 'notes.txt', ...out)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('bare path'),
    });
    expect(await get(home, ARTIFACT_ID, '--out', join(home.folder, 'no', 'folder'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot write'),
    });
    gateway.on(GET, problem('gone', 'The content is gone'));
    expect(await get(home, ARTIFACT_ID, ...out)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('The content is gone'),
    });
    expect(await get(home, ARTIFACT_ID)).toMatchObject({ code: 2 });
  });
});

describe('the result of a task with files', () => {
  it('says how many there are, and what was left out', async () => {
    await using scene = await openScene();
    const { home, gateway } = scene;
    const result = {
      status: 'completed',
      stdout: 'done\n',
      artifacts: [{ path: 'a' }],
      artifacts_skipped: [{ reason: 'too_large', count: 7, paths: ['big', 'huge'] }],
    };
    gateway.onEach(
      'GET /v1/tasks/:id/result',
      ...replies(resultWith('completed', { status: 'completed', result: JSON.stringify(result) })),
    );
    const { code, stdout, stderr } = await home.run(['task', 'watch', 'my-task', '--no-clear']);
    expect(code).toBe(0);
    expect(stdout).toContain('done');
    expect(stderr).toBe(
      `Artifacts: 1. List them with \`cynork task artifacts list ${TASK_ID}\`.\n` +
        'Not kept as artifacts: 7 (larger than 50 MiB): big, huge, …\n',
    );
  });
});
