import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { testSetting } from './engines/environment.ts';
import { eventually } from './wait.ts';

const run = promisify(execFile);

/** Containers of jobs as the Docker Engine sees them; those that wait for a job are none. */
export interface Containers {
  /** Names, running or not. */
  list(): Promise<string[]>;
  appear(): Promise<string[]>;
  disappear(): Promise<void>;
}

export function containersOf(by: { readonly task: string } | { readonly node: string }): Containers {
  const label = 'task' in by ? `cynodeai.task_id=${by.task}` : `cynodeai.node=${by.node}`;
  const list = async (filters: readonly string[] = []): Promise<string[]> => {
    const args = ['ps', '--all', '--filter', `label=${label}`, ...filters, '--format', '{{.Names}}'];
    const { stdout } = await run('docker', args, {
      env: { ...process.env, DOCKER_HOST: testSetting('dockerHost') },
    });
    return stdout.split('\n').filter((name) => name !== '' && !name.startsWith('cynodeai-pool-'));
  };
  return {
    list: () => list(),
    appear: () =>
      eventually(`a running container with ${label}`, async () => {
        const names = await list(['--filter', 'status=running']);
        return names.length > 0 ? names : undefined;
      }),
    disappear: async () => {
      await eventually(`no container with ${label}`, async () => (await list()).length === 0, {
        everyMs: 20,
      });
    },
  };
}
