import { mkdtemp, chown, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { testSetting } from '../../test/support/engines/environment.ts';

const UID = 1000;
const MIB = 1024 * 1024;

/** The flags of `node-agent/sandbox/create-options.ts`, in the words of the command line. */
function hardening(workspace: string): string[] {
  return [
    ...[
      '--init',
      '--user',
      `${String(UID)}:${String(UID)}`,
      '--hostname',
      'sandbox',
      '--workdir',
      '/workspace',
    ],
    ...['--network', 'none', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--read-only'],
    ...['--ipc', 'private', '--shm-size', String(16 * MIB)],
    ...['--tmpfs', `/tmp:rw,noexec,nosuid,nodev,mode=1777,size=${String(64 * MIB)}`],
    ...['--mount', `type=bind,source=${workspace},target=/workspace,bind-propagation=rprivate`],
    ...['--memory', '512m', '--memory-swap', '512m', '--cpus', '1', '--pids-limit', '256'],
    ...['--oom-score-adj', '500', '--ulimit', 'nofile=1024:1024', '--ulimit', 'core=0:0'],
    ...['--ulimit', `fsize=${String(2048 * MIB)}:${String(2048 * MIB)}`, '--log-driver', 'none'],
    ...['--label', `cynodeai.node=${testSetting('nodePrefix')}-bench`],
  ];
}

/** `docker run --rm` of a script in a workspace of its own, with the hardening of our jobs. */
export async function dockerRun(script: string): Promise<void> {
  const workspace = await mkdtemp(join(testSetting('stateFolder'), 'docker-run-'));
  try {
    await writeFile(join(workspace, 'script'), script);
    await chown(workspace, UID, UID);
    const image = testSetting('sandboxImage');
    await execa(
      'docker',
      ['run', '--rm', ...hardening(workspace), '--entrypoint', 'sh', image, '/workspace/script'],
      { env: { DOCKER_HOST: testSetting('dockerHost') }, timeout: 60_000 },
    );
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}
