import { execFileSync } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { FILE_LIMITS } from '../../../cli/commands/task/input.ts';
import { TASK_LIMITS } from '../../../contracts/task-values.ts';
import { makeLoggedInHome, type CliHome } from '../../support/fake-gateway/run-cli.ts';
import { startFakeGateway } from '../../support/fake-gateway/server.ts';
import { TASK } from '../../support/fake-gateway/task-samples.ts';

interface Sent {
  readonly code: number;
  readonly stderr: string;
  readonly body: unknown;
}

/** What `task create` with the flags of `make` sends; nothing when it is refused. */
async function send(make: (home: CliHome) => Promise<string[]> | string[], stdin = ''): Promise<Sent> {
  await using gateway = await startFakeGateway();
  gateway.on('POST /v1/tasks', { status: 201, json: TASK });
  await using home = await makeLoggedInHome(gateway);
  const { code, stderr } = await home.run(['task', 'create', ...(await make(home))], { stdin });
  return { code, stderr, body: gateway.requests[0]?.body };
}

describe('input of cynork task create', () => {
  it.each<[string, string[], unknown]>([
    ['text', ['-t', '# Title\n\n- do it'], { prompt: '# Title\n\n- do it', input_mode: 'prompt' }],
    ['text that looks like a flag', ['-p', '-quick fix'], { prompt: '-quick fix', input_mode: 'prompt' }],
    [
      'text meant as a script',
      ['--prompt', 'ls', '--input-mode', 'script'],
      { prompt: 'ls', input_mode: 'script' },
    ],
    [
      'commands',
      ['--command', 'echo hello', '--command', 'id -u'],
      { prompt: 'echo hello\nid -u', input_mode: 'commands' },
    ],
    [
      'a mode that only text has',
      ['--command', 'ls', '--input-mode', 'prompt'],
      { prompt: 'ls', input_mode: 'commands' },
    ],
  ])('sends %s', async (_name, argv, body) => {
    expect(await send(() => argv)).toEqual({ code: 0, stderr: '', body });
  });

  it.each<[string, string, string]>([
    ['--task-file', 'prompt', 'Grüße\n'],
    ['--script', 'script', '#!/bin/sh\necho hello\n'],
    ['--commands-file', 'commands', 'ls\n\nid\n'],
  ])('sends the content of %s as it is', async (flag, mode, content) => {
    const body = { prompt: content, input_mode: mode };
    expect(await send(async (home) => [flag, await home.file('input', content)])).toMatchObject({
      code: 0,
      body,
    });
    expect(await send(() => [flag, '-'], content)).toMatchObject({ code: 0, body });
  });

  it('sends all options under their wire names, and nothing that was not given', async () => {
    const argv = [
      ...['-t', 'x', '--task-name', 'Nightly', '--project-id', '33333333-3333-4333-8333-333333333333'],
      ...['--timeout', '60', '--image', 'alpine:3', '--use-inference', '--use-sba'],
    ];
    expect((await send(() => argv)).body).toEqual({
      prompt: 'x',
      input_mode: 'prompt',
      task_name: 'Nightly',
      project_id: '33333333-3333-4333-8333-333333333333',
      timeout_seconds: 60,
      image: 'alpine:3',
      use_inference: true,
      use_sba: true,
    });
  });

  it('sends attachments with their content, the other members as fields', async () => {
    const { body } = await send(async (home) => [
      ...['-t', 'x "é"', '--timeout', '60', '--use-inference'],
      ...[
        '--attach',
        await home.file('a b é.txt', 'first\r\n'),
        '--attachment',
        await home.file('empty', ''),
      ],
    ]);
    if (!(body instanceof FormData)) throw new Error('no form was sent');
    const files = body.getAll('attachments').filter((part) => part instanceof File);
    expect(files.map(({ size }) => size)).toEqual([7, 0]);
    expect(await files[0]?.text()).toBe('first\r\n');
    expect([body.get('prompt'), body.get('timeout_seconds'), body.get('use_inference')]).toEqual([
      'x "é"',
      '60',
      'true',
    ]);
    expect(body.has('image')).toBe(false);
  });

  it.each([
    ['--task-file', FILE_LIMITS.taskFile],
    ['--script', FILE_LIMITS.script],
    ['--commands-file', FILE_LIMITS.commandsFile],
  ])('takes %s of exactly the limit, from a file or stdin, and not a byte more', async (flag, limit) => {
    const ofSize = async (size: number): Promise<[number, number]> => {
      const content = 'x'.repeat(size);
      const fromFile = await send(async (home) => [flag, await home.file('input', content)]);
      const fromStdin = await send(() => [flag, '-'], content);
      return [fromFile.code, fromStdin.code];
    };
    expect(await ofSize(limit)).toEqual([0, 0]);
    expect(await ofSize(limit + 1)).toEqual([2, 2]);
  });

  it('takes 16 attachments of 10 MiB at most, each of a name of its own', async () => {
    const attach = async (home: CliHome, count: number, size: number): Promise<string[]> => {
      const names = Array.from({ length: count }, (_, index) => `data-${index}.bin`);
      const paths = await Promise.all(names.map((name) => home.file(name, new Uint8Array(size))));
      return ['-t', 'x', ...paths.flatMap((path) => ['-a', path])];
    };
    const limit = TASK_LIMITS.attachmentBytes;
    expect(await send((home) => attach(home, 1, limit))).toMatchObject({ code: 0 });
    expect(await send((home) => attach(home, 16, 1))).toMatchObject({ code: 0 });
    expect(await send((home) => attach(home, 17, 1))).toMatchObject({ code: 2, body: undefined });
    expect(await send((home) => attach(home, 1, limit + 1))).toMatchObject({ code: 2 });
    const twice = await send(async (home) => {
      const path = await home.file('same', 'x');
      return ['-t', 'x', '-a', path, '-a', path];
    });
    expect(twice).toMatchObject({ code: 2, body: undefined });
    expect(twice.stderr).toContain('two attachments are named same');
  });

  it.each<[string, (home: CliHome) => Promise<string>, string]>([
    ['a symbolic link', async (home) => linkTo(home, await home.file('real', 'x')), 'is a symbolic link'],
    ['a folder', async (home) => home.folder, 'is not a regular file'],
    ['a pipe', async (home) => pipe(home), 'is not a regular file'],
    ['a device', async () => '/dev/zero', 'is not a regular file'],
    ['a missing file', async (home) => join(home.folder, 'nope'), 'cannot read'],
    ['an empty file', async (home) => home.file('empty', ' \n'), 'is empty'],
    ['a binary file', async (home) => home.file('bin', new Uint8Array([0xff, 0xfe])), 'is not a UTF-8 text'],
    ['a file with a NUL', async (home) => home.file('nul', 'a\0b'), 'is not a UTF-8 text'],
  ])('refuses %s', async (_name, path, message) => {
    const refused = await send(async (home) => ['--script', await path(home)]);
    expect(refused).toMatchObject({ code: 2, body: undefined });
    expect(refused.stderr).toContain(message);
  });

  it('refuses a symbolic link as an attachment', async () => {
    const refused = await send(async (home) => [
      ...['-t', 'x', '--attach'],
      await linkTo(home, await home.file('real', 'x')),
    ]);
    expect(refused).toMatchObject({ code: 2, body: undefined });
  });

  it('needs exactly one kind of input', async () => {
    expect(await send(() => [])).toMatchObject({ code: 2, body: undefined });
    expect(await send(() => ['-t', 'x', '-p', 'y'])).toMatchObject({ code: 2, body: undefined });
    expect(await send(() => ['-t', 'x', '--command', 'y'])).toMatchObject({ code: 2, body: undefined });
    expect(await send(() => ['--command', ' '])).toMatchObject({ code: 2, body: undefined });
  });
});

async function linkTo(home: CliHome, target: string): Promise<string> {
  const link = join(home.folder, 'link');
  await symlink(target, link);
  return link;
}

function pipe(home: CliHome): string {
  const path = join(home.folder, 'pipe');
  execFileSync('mkfifo', [path]);
  return path;
}
