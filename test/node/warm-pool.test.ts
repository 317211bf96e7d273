import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { z } from 'zod';
import type { RunRequest } from '../../contracts/jobs.ts';
import { testSetting } from '../support/engines/environment.ts';
import { eventually } from '../support/wait.ts';
import { prepareAgent, runByHttp } from './agent-harness.ts';
import { limitsWith, openSandbox, requestOf, type Sandbox } from './sandbox-harness.ts';

jest.setTimeout(60_000);

let cold: Sandbox;
let warm: Sandbox;
beforeAll(async () => {
  [cold, warm] = await Promise.all([openSandbox(), openSandbox({ warmPool: 2 })]);
});
afterAll(async () => {
  await Promise.all([cold[Symbol.asyncDispose](), warm[Symbol.asyncDispose]()]);
});

const run = promisify(execFile);
const labelsSchema = z.record(z.string(), z.string());

async function docker(...args: readonly string[]): Promise<string> {
  const env = { ...process.env, DOCKER_HOST: testSetting('dockerHost') };
  return (await run('docker', args, { env })).stdout.trim();
}

/** An image with a program and nothing else. */
async function importWithoutShell(image: string): Promise<void> {
  const folder = await mkdtemp(join(testSetting('stateFolder'), 'image-'));
  const container = await docker('create', testSetting('sandboxImage'), 'true');
  try {
    await mkdir(join(folder, 'root', 'bin'), { recursive: true });
    await docker('cp', '-L', `${container}:/bin/busybox`, join(folder, 'root', 'bin', 'busybox'));
    await run('tar', ['-C', join(folder, 'root'), '-cf', join(folder, 'root.tar'), '.']);
    await docker('import', join(folder, 'root.tar'), image);
  } finally {
    await docker('rm', container);
    await rm(folder, { recursive: true });
  }
}

/** What the job gives in a container of its own and in a prepared one. */
async function inBoth(sandbox: RunRequest['sandbox']) {
  const jobId = randomUUID();
  const before = warm.counts.taken;
  const outcome = async (where: Sandbox) => {
    const { status, exit_code, stdout, stderr } = await where.run(sandbox, { jobId });
    await where.runner.settled();
    // The number of its process differs from one container to the next.
    return { status, exit_code, stdout, stderr: stderr.replace(/tini \(\d+\)/, 'tini') };
  };
  const results = { cold: await outcome(cold), warm: await outcome(warm) };
  return { ...results, taken: warm.counts.taken - before };
}

async function expectSame(sandbox: RunRequest['sandbox']): Promise<string> {
  const both = await inBoth(sandbox);
  expect(both.taken).toBe(1);
  expect(both.warm).toEqual(both.cold);
  return both.warm.stdout;
}

describe('a job in a prepared container', () => {
  it('sees the variables, folder, descriptors, masks and process of any other container', async () => {
    const looks =
      'env | grep -v CYNODE_TASK_ID | sort; pwd; umask; ls -l /proc/self/fd | wc -l; readlink /proc/$$/fd/0';
    const seen = await expectSame({ script: `${looks}; cat /proc/$PPID/comm; ulimit -a; cat` });
    expect(seen).toContain('HOME=/workspace\nHOSTNAME=sandbox\n');
    await expectSame({
      command: ['sh', '-c', 'env | grep -v CYNODE_TASK_ID | sort'],
      env: { A: '1', HOME: '/tmp' },
    });
  });

  it('gets every argument and variable as it is', async () => {
    const texts = [
      "it's",
      '$HOME `id` $(id)',
      'a\nb\n',
      '"\\"',
      'é ÿ Á € 𝄞 \u0081\u0088',
      '',
      ' ',
      '-n',
      'x=y',
      '#',
      '~',
      '*',
    ];
    const printing = [
      'sh',
      '-c',
      'for each; do printf "<%s>" "$each"; done; env | grep -A9 ODD | grep -v TASK_ID',
      'sh',
    ];
    await expectSame({
      command: [...printing, ...texts],
      env: Object.fromEntries(texts.map((text, i) => [`ODD${i}`, text])),
    });
    const odd = { 'no-identifier.x': '1', '-u': '2', 'a b': '3' };
    await expectSame({
      command: ['sh', '-c', 'tr "\\0" "\\n" </proc/self/environ | grep -v TASK_ID | sort'],
      env: odd,
    });
  });

  it.each([
    [['no-such-program']],
    [['/workspace/none']],
    [['/bin']],
    [['/etc/passwd']],
    [['sh', '-c', 'exit 41']],
  ])('ends as it would in any other: %j', async (command) => void (await expectSame({ command })));

  it('by a script whose interpreter is missing ends as it would in any other', async () => {
    await expectSame({ script: '#!/no/such/interpreter\n' });
  });

  it('that cannot be told what to run gets a container of its own', async () => {
    for (const sandbox of [
      { command: ['./a=b'] },
      { command: ['sh', '-c', 'echo $PATH'], env: { PATH: '/nowhere:/bin' } },
      { command: ['true', 'x'.repeat(110_000)] },
    ]) {
      const both = await inBoth(sandbox);
      expect(both.warm).toEqual(both.cold);
      expect(both.taken).toBe(0);
    }
    expect(new Set(warm.counts.missed)).toEqual(new Set(['unlaunchable']));
  });
});

describe('nothing of a job', () => {
  it('is there for the next one', async () => {
    await warm.run({ script: 'echo secret > mine; echo secret > /tmp/mine; sleep 300 & echo done' });
    for (let round = 0; round < 3; round++) {
      const { stdout } = await warm.run({
        script: 'ls -A . /tmp; cat mine /tmp/mine 2>/dev/null; ps | grep -c "[s]leep 300"',
      });
      expect(stdout).toBe('.:\n.cynodeai\n\n/tmp:\n0\n');
    }
  });

  it('is known to a container that waits: no variable, no label but whose it is, no network', async () => {
    await warm.prepared();
    const [idle] = (await warm.engine.listOwn(warm)).filter((each) => each.idle);
    const of = async (path: string): Promise<unknown> =>
      JSON.parse(await docker('inspect', '-f', `{{json ${path}}}`, idle?.id ?? ''));
    const ofImage = ['cynodeai.recipe'];
    const labels = Object.keys(labelsSchema.parse(await of('.Config.Labels'))).filter(
      (name) => !ofImage.includes(name),
    );
    expect(labels.sort()).toEqual(['cynodeai.instance', 'cynodeai.node', 'cynodeai.pool']);
    expect(await of('.HostConfig.NetworkMode')).toBe('none');
    expect(JSON.stringify(await of('.Config.Env'))).not.toContain('CYNODE');
  });
});

describe('a prepared container', () => {
  it('that cannot be started keeps no connection to the engine', async () => {
    const connections = () => process.getActiveResourcesInfo().filter((kind) => kind === 'PipeWrap').length;
    const tried = Promise.withResolvers<void>();
    await eventually('the other pools rest', async () => warm.ready() === 2);
    const before = connections();
    const sandbox = await openSandbox({
      warmPool: 1,
      engine: (real) => ({
        ...real,
        start: () => {
          tried.resolve();
          return Promise.reject(new Error('not today'));
        },
      }),
    });
    await tried.promise;
    await sandbox[Symbol.asyncDispose]();
    await eventually('no connection is left', async () => connections() <= before, { timeoutMs: 10_000 });
  });

  it('is not used when the limits have changed', async () => {
    await using own = await openSandbox({ warmPool: 1 });
    await own.prepared();
    own.setPolicy({ limits: limitsWith({ openFiles: 99 }) });
    expect((await own.run({ command: ['sh', '-c', 'ulimit -n'] })).stdout).toBe('99\n');
    expect(own.counts).toEqual({ taken: 0, missed: ['empty'] });
  });

  it('is not used when its image has another content by now', async () => {
    const image = `cynodeai-test-${randomUUID()}:1`;
    await docker('tag', testSetting('sandboxImage'), image);
    try {
      await using own = await openSandbox({ warmPool: 1 });
      own.setPolicy({ defaultImage: image });
      await own.run({ command: ['true'] });
      await own.prepared();
      const changed = await docker('create', testSetting('sandboxImage'), 'true');
      await docker('commit', '--change', 'ENV NEW=1', changed, image);
      await docker('rm', changed);
      expect((await own.run({ command: ['sh', '-c', 'echo $NEW'] })).stdout).toBe('1\n');
      expect(own.counts.missed).toContain('image_changed');
      await own.runner.settled();
      expect(await own.containers()).toHaveLength(0);
    } finally {
      await docker('rmi', '-f', image);
    }
  });

  it('that dies is replaced, and jobs run meanwhile', async () => {
    await warm.prepared();
    for (const { id } of (await warm.engine.listOwn(warm)).filter((each) => each.idle))
      await docker('kill', id);
    expect(await warm.run({ command: ['echo', 'ran'] })).toMatchObject({
      status: 'completed',
      stdout: 'ran\n',
    });
    await warm.prepared();
  });

  it('is replaced when it is old, one after the other', async () => {
    await using own = await openSandbox({ warmPool: 2, maxAgeMs: 500 });
    const idle = async (): Promise<string[]> =>
      (await own.engine.listOwn(own)).filter((each) => each.idle).map(({ id }) => id);
    const first = await eventually('two of them', async () => {
      const ids = await idle();
      return ids.length === 2 && own.ready() === 2 && ids;
    });
    const seen: number[] = [];
    await eventually(
      'two others',
      async () => {
        seen.push(own.ready());
        const ids = await idle();
        return ids.length === 2 && ids.every((id) => !first.includes(id));
      },
      { timeoutMs: 20_000, everyMs: 10 },
    );
    expect(Math.min(...seen)).toBe(1);
    expect(await own.run({ command: ['echo', 'ran'] })).toMatchObject({ stdout: 'ran\n' });
  });

  it('is tried once only with an image that has no shell, whose jobs run in containers of their own', async () => {
    const image = `cynodeai-test-${randomUUID()}:1`;
    await importWithoutShell(image);
    try {
      await using own = await openSandbox({ warmPool: 1 });
      const sinceMs = Date.now();
      own.setPolicy({ defaultImage: image });
      for (const said of ['one', 'two']) {
        const ran = await own.runner.run(requestOf({ command: ['/bin/busybox', 'echo', said] }), {
          attempt: 1,
          signal: new AbortController().signal,
        });
        expect(ran).toMatchObject({ status: 'completed', stdout: `${said}\n` });
      }
      // Longer than the pool waits before it looks after itself.
      await new Promise((resolve) => setTimeout(resolve, 6_000));
      const filters = [
        `label=cynodeai.node=${own.nodeSlug}`,
        'label=cynodeai.pool',
        `image=${image}`,
        'event=create',
      ];
      const created = await docker(
        'events',
        `--since=${sinceMs / 1000}`,
        `--until=${Date.now() / 1000}`,
        ...filters.map((filter) => `--filter=${filter}`),
      );
      expect(created.split('\n')).toHaveLength(1);
      expect(own.counts).toEqual({ taken: 0, missed: ['empty', 'empty'] });
      await own.runner.settled();
      expect((await own.engine.listOwn(own)).filter(({ idle }) => idle)).toEqual([]);
    } finally {
      await docker('rmi', '-f', image);
    }
  });

  it('ends by itself when its agent is killed', async () => {
    await using agent = await prepareAgent({ env: { SANDBOX_WARM_POOL: '1' } });
    agent.process.start();
    await agent.ready();
    const filter = ['--filter', `label=cynodeai.node=${agent.slug}`, '--filter', 'status=running', '-q'];
    await eventually('a container that waits', async () => (await docker('ps', ...filter)) !== '');
    expect(await (await runByHttp(agent, { command: ['echo', 'hi'] })).json()).toMatchObject({
      stdout: 'hi\n',
    });
    await eventually('another one', async () => (await docker('ps', ...filter)) !== '');
    await agent.process.kill('SIGKILL');
    await eventually('its end', async () => (await docker('ps', ...filter)) === '', { timeoutMs: 5_000 });
  });
});
