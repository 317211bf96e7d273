import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findArtifacts } from '../../node-agent/files/find-artifacts.ts';
import { Skipped } from '../../node-agent/files/skipped.ts';
import { JobStoppedError, type FileExchange } from '../../node-agent/sandbox/index.ts';
import { chunksOf } from '../support/blobs.ts';
import { openSandbox, requestOf, type Sandbox } from './sandbox-harness.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(async () => sandbox[Symbol.asyncDispose](), 30_000);

/** What a job left, as the node sees it on the host, in place of an upload. */
interface Left {
  readonly files: Map<string, Buffer>;
  readonly skipped: Skipped;
  readonly exchange: FileExchange;
}

function recordFiles(attachments: Readonly<Record<string, Uint8Array>> = {}): Left {
  const files = new Map<string, Buffer>();
  const skipped = new Skipped();
  const exchange: FileExchange = {
    bring: async (add) => {
      for (const [name, content] of Object.entries(attachments)) await add(name, chunksOf(content));
    },
    collect: async (folder) => {
      for (const { path } of await findArtifacts(folder, skipped)) {
        files.set(path, await readFile(join(folder, path)));
      }
      return { artifacts_skipped: skipped.list() };
    },
  };
  return { files, skipped, exchange };
}

const run = (script: string, { exchange }: Left, signal = new AbortController().signal) =>
  sandbox.runner.run(requestOf({ script }), { attempt: 1, signal, files: exchange });

describe('files of a job in its container', () => {
  it('come and go byte for byte, and belong to the job', async () => {
    const content = randomBytes(300_000);
    const left = recordFiles({ 'in.bin': content, 'with space': Buffer.from('x') });
    const script =
      'set -e; ls -n attachments; rm "attachments/with space"; echo "$CYNODE_ARTIFACTS_DIR"; ' +
      'cat attachments/in.bin attachments/in.bin > artifacts/twice; mkdir -m 700 artifacts/d; echo a > artifacts/d/a';
    const { status, stdout } = await run(script, left);
    expect([status, stdout]).toEqual(['completed', expect.stringMatching(/\/workspace\/artifacts\n$/)]);
    expect(stdout).toMatch(/ 1000 +1000 .*in\.bin/);
    expect([...left.files.keys()]).toEqual(['d/a', 'twice']);
    expect(left.files.get('twice')?.equals(Buffer.concat([content, content]))).toBe(true);
  });

  it('never come from outside of the workspace, whatever the job links', async () => {
    const left = recordFiles({ given: Buffer.from('g') });
    const script =
      'cd artifacts; ln -s /etc/passwd passwd; ln -s / root; ln -s ../.cynodeai/script script; ' +
      'ln ../attachments/given hard; mkfifo pipe; ln -s /proc/self/environ environ; echo ok > ok';
    await run(script, left);
    expect([...left.files.keys()]).toEqual(['ok']);
    expect(left.skipped.list()).toEqual([
      {
        reason: 'not_a_regular_file',
        count: 5,
        paths: ['environ', 'passwd', 'pipe', 'root', 'script'],
      },
      { reason: 'hard_link', count: 1, paths: ['hard'] },
    ]);
  });

  it('are not looked for behind a link that replaced their folder', async () => {
    const left = recordFiles();
    await run('rmdir artifacts && ln -s /etc artifacts', left);
    expect([left.files.size, left.skipped.list()]).toEqual([
      0,
      [{ reason: 'not_a_regular_file', count: 1, paths: ['.'] }],
    ]);
  });

  it('are bounded in number', async () => {
    const left = recordFiles();
    const { artifacts_skipped: skipped } = await run(
      'cd artifacts; for i in $(seq 1000 1149); do echo x > f$i; done',
      left,
    );
    expect(left.files.size).toBe(100);
    expect(skipped).toEqual([
      { reason: 'too_many', count: 50, paths: ['f1100', 'f1101', 'f1102', 'f1103', 'f1104'] },
    ]);
  });

  it('are taken from a job that fails or runs out of time too', async () => {
    const failed = recordFiles();
    expect(await run('echo why > artifacts/log; exit 3', failed)).toMatchObject({ exit_code: 3 });
    const late = recordFiles();
    const request = requestOf({ script: 'echo so far > artifacts/log; sleep 60', timeout_seconds: 2 });
    const signal = new AbortController().signal;
    const reply = await sandbox.runner.run(request, { attempt: 1, signal, files: late.exchange });
    expect(reply.status).toBe('timeout');
    expect([failed, late].map(({ files }) => files.get('log')?.toString())).toEqual(['why\n', 'so far\n']);
  });

  it('are taken when nothing that the job left running can change them any more', async () => {
    const left = recordFiles();
    await run('echo 1 > artifacts/one; (sleep 0.1; echo 2 > artifacts/two) &', left);
    expect([...left.files.keys()]).toEqual(['one']);
    const none = recordFiles();
    await run('(sleep 0.1; echo 2 > artifacts/two) &', none);
    expect(none.files.size).toBe(0);
  });

  it('are left alone when the job was stopped, also while they are taken', async () => {
    const stop = new AbortController();
    const left = recordFiles();
    const during: FileExchange = {
      bring: async () => undefined,
      collect: async () => {
        stop.abort(new JobStoppedError('lease_lost'));
        return {};
      },
    };
    await expect(
      run('echo 1 > artifacts/one', { ...left, exchange: during }, stop.signal),
    ).rejects.toMatchObject({
      reason: 'lease_lost',
    });
    await sandbox.runner.settled();
    expect(await sandbox.workspaces()).toEqual([]);
  });

  it('do not exist for jobs over plain HTTP', async () => {
    const { stdout } = await sandbox.run({ script: 'echo "[$CYNODE_ARTIFACTS_DIR]"; ls' });
    expect(stdout).toBe('[]\n');
  });
});
