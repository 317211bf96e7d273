import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TaskResult } from '../../contracts/tasks.ts';
import { testSetting } from './engines/environment.ts';
import type { CynorkUser } from './stack/cynork-user.ts';
import { eventually } from './wait.ts';

const run = promisify(execFile);

/** Containers of jobs as the Docker Engine sees them; those that wait for a job are none. */
export interface Containers {
  /** Names, running or not. */
  list(): Promise<string[]>;
  appear(): Promise<string[]>;
  disappear(): Promise<void>;
}

/** By their names: the labels of one that was prepared do not say whose it has become. */
export async function containersOfTask(user: Pick<CynorkUser, 'json'>, id: string): Promise<Containers> {
  const { jobs } = await user.json<TaskResult>('task', 'result', id);
  return containersOf({ jobs: jobs.map((job) => job.id) });
}

export function containersOf(
  by: { readonly jobs: readonly string[] } | { readonly node: string },
): Containers {
  const filters =
    'jobs' in by
      ? by.jobs.map((id) => `name=^cynodeai-job-${id}-[0-9]+$`)
      : [`label=cynodeai.node=${by.node}`];
  const what = filters.join(' or ');
  const list = async (more: readonly string[] = []): Promise<string[]> => {
    const chosen = [...filters, ...more].flatMap((filter) => ['--filter', filter]);
    const args = ['ps', '--all', ...chosen, '--format', '{{.Names}}'];
    const { stdout } = await run('docker', args, {
      env: { ...process.env, DOCKER_HOST: testSetting('dockerHost') },
    });
    return stdout.split('\n').filter((name) => name !== '' && !name.startsWith('cynodeai-pool-'));
  };
  return {
    list: () => list(),
    appear: () =>
      eventually(`a running container with ${what}`, async () => {
        const names = await list(['status=running']);
        return names.length > 0 ? names : undefined;
      }),
    disappear: async () => {
      await eventually(`no container with ${what}`, async () => (await list()).length === 0, {
        everyMs: 20,
      });
    },
  };
}
