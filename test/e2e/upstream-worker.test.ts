import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TaskResult } from '../../contracts/tasks.ts';
import { sentCapability, UpstreamNodeManager } from '../support/interop/upstream-node-manager.ts';
import { startUpstreamWorkerApi } from '../support/interop/upstream-worker-api.ts';
import type { UpstreamWorkerApi } from '../support/interop/upstream-worker-api.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { startStack } from '../support/stack/stack.ts';
import type { Stack } from '../support/stack/stack.ts';

type Outcome = TaskResult & { readonly stdout: string; readonly stderr: string; readonly exit_code: number };

let stack: Stack;
let worker: UpstreamWorkerApi;
let node: UpstreamNodeManager;
let token: string;
let admin: CynorkUser;
beforeAll(async () => {
  [stack, worker] = await Promise.all([startStack(), startUpstreamWorkerApi()]);
  node = new UpstreamNodeManager(stack.controlPlaneUrl, stack.psk);
  await node.register(sentCapability(node.slug, worker.url));
  const config = (await node.config()).json() as {
    config_version: string;
    worker_api: { orchestrator_bearer_token: string };
  };
  token = config.worker_api.orchestrator_bearer_token;
  await node.acknowledge(config.config_version);
  await node.report(sentCapability(node.slug, worker.url));
  admin = await stack.admin();
}, 120_000);
afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
}, 60_000);

const TIMES = { started_at: '2026-03-01T08:00:00Z', ended_at: '2026-03-01T08:00:01Z' };
const NOT_CUT = { truncated: { stdout: false, stderr: false } };

async function runTask(...args: string[]): Promise<Outcome> {
  const { stdout } = await admin.run(['-o', 'json', 'task', 'create', ...args, '--result']);
  return JSON.parse(stdout) as Outcome;
}

describe("upstream's worker-api", () => {
  it('gets a job with the members that it knows, and its bearer in the one form that it takes', async () => {
    worker.reply = { status: 'completed', stdout: 'done\n', stderr: '', ...TIMES, ...NOT_CUT };
    const result = await runTask('--command', 'echo done');
    const { authorization, body } = worker.received.at(-1) ?? {};
    expect(authorization).toBe(`Bearer ${token}`);
    expect(body).toEqual({
      version: 1,
      task_id: result.task_id,
      job_id: result.jobs[0]?.id,
      sandbox: {
        command: ['sh', '-c', expect.stringContaining('echo done')],
        timeout_seconds: expect.any(Number),
        use_inference: false,
      },
    });
    expect(Number.isInteger(body?.sandbox['timeout_seconds'])).toBe(true);
  });

  it('may leave out an exit code of 0, and say more than we know', async () => {
    worker.reply = {
      status: 'completed',
      stdout: 'a < b & c\n',
      stderr: '',
      ...TIMES,
      ...NOT_CUT,
      run_diagnostics: { runtime: 'podman', runtime_argv: ['run'], container_started: true },
    };
    const result = await runTask('--command', 'true');
    expect(result).toMatchObject({ status: 'completed', stdout: 'a < b & c\n', exit_code: 0 });
    expect(result.jobs[0]).toMatchObject({ status: 'completed', node: node.slug });
  });

  it.each([
    ['failed', 2, 'runtime exit 2: exit status 2\n--- stderr ---\nno such file\n'],
    ['timeout', -1, 'runtime exit -1: signal: killed\n'],
  ])('has a job that ended as %s shown as failed, with its own words', async (status, exitCode, stderr) => {
    worker.reply = { status, exit_code: exitCode, stdout: '', stderr, ...TIMES, ...NOT_CUT };
    const before = worker.received.length;
    const result = await runTask('--command', 'cat missing');
    expect(result).toMatchObject({ status: 'failed', stderr, exit_code: exitCode });
    expect(worker.received).toHaveLength(before + 1);
  });
});
