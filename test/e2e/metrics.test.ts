import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { useStack } from '../support/stack/use-stack.ts';
import { eventually } from '../support/wait.ts';

const own = useStack();
beforeAll(async () => {
  await own.admin.run(['task', 'create', '--command', 'true', '--result']);
  await own.admin.run(['task', 'create', '--command', 'exit 3', '--result']);
});

async function scrape(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

/** The value of the series with these labels, in whatever order they stand. */
function valueOf(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const line = text
    .split('\n')
    .find(
      (each) =>
        (each.startsWith(`${name}{`) || each.startsWith(`${name} `)) &&
        Object.entries(labels).every(([key, value]) => each.includes(`${key}="${value}"`)),
    );
  return line === undefined ? NaN : Number(line.split(' ').at(-1));
}

describe('the metrics of the orchestrator', () => {
  it('count requests by role and route, never by path', async () => {
    const text = await scrape(own.stack.gatewayUrl);
    const created = { role: 'user-api', method: 'POST', route: '/v1/tasks', status: '2xx' };
    expect(valueOf(text, 'cynodeai_http_requests_total', created)).toBe(2);
    expect(text).toContain('route="/v1/nodes/:id"');
    const contact = { role: 'control-plane', route: '/v1/nodes/contact', le: '+Inf' };
    expect(valueOf(text, 'cynodeai_http_request_duration_seconds_bucket', contact)).toBeGreaterThan(0);
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/);
  });

  it('count what has ended, and how long it took', async () => {
    const text = await eventually('both tasks are counted', async () => {
      const found = await scrape(own.stack.gatewayUrl);
      return valueOf(found, 'cynodeai_tasks_ended_total', { status: 'failed' }) === 1 && found;
    });
    expect(valueOf(text, 'cynodeai_tasks_ended_total', { status: 'completed' })).toBe(1);
    expect(valueOf(text, 'cynodeai_jobs_ended_total', { outcome: 'completed' })).toBe(1);
    expect(valueOf(text, 'cynodeai_task_duration_seconds_count')).toBe(2);
    expect(valueOf(text, 'cynodeai_job_placement_seconds_count')).toBe(2);
  });

  it('count nothing twice', async () => {
    await new Promise((resolve) => setTimeout(resolve, 9_000));
    const text = await scrape(own.stack.gatewayUrl);
    expect(valueOf(text, 'cynodeai_task_duration_seconds_count')).toBe(2);
  }, 30_000);

  it('show what waits and what each node has in hand', async () => {
    const text = await scrape(own.stack.gatewayUrl);
    expect(valueOf(text, 'cynodeai_jobs_waiting', { reason: 'no_free_slot' })).toBe(0);
    expect(valueOf(text, 'cynodeai_node_slots', { node: own.node.slug })).toBe(4);
    expect(valueOf(text, 'cynodeai_attempts_live', { node: own.node.slug })).toBe(0);
    expect(valueOf(text, 'cynodeai_node_active', { node: own.node.slug })).toBe(1);
    expect(valueOf(text, 'cynodeai_reconciler_leader')).toBe(1);
  });

  it('hold those of the Temporal worker', async () => {
    const text = await scrape(own.stack.gatewayUrl);
    const queue = { task_queue: 'orchestrator', workflow_type: 'taskWorkflow' };
    expect(valueOf(text, 'temporal_workflow_completed_total', queue)).toBe(1);
    expect(text).toContain('temporal_local_activity_execution_latency_seconds_bucket');
  });
});

describe('the metrics of a node', () => {
  it('tell of containers, jobs, leases and results', async () => {
    const text = await scrape(own.node.workerApiUrl);
    expect(valueOf(text, 'cynodeai_node_container_start_seconds_count', { step: 'start' })).toBe(2);
    expect(valueOf(text, 'cynodeai_node_job_duration_seconds_count', { outcome: 'completed' })).toBe(1);
    expect(valueOf(text, 'cynodeai_node_job_duration_seconds_count', { outcome: 'failed' })).toBe(1);
    expect(valueOf(text, 'cynodeai_node_jobs_running')).toBe(0);
    expect(valueOf(text, 'cynodeai_node_outbox_entries')).toBe(0);
    expect(valueOf(text, 'cynodeai_node_lease_renewals_failed_total')).toBe(0);
    expect(text).toContain('temporal_activity_execution_latency_seconds_bucket');
  });
});

describe('the logs', () => {
  it('hold no secret', async () => {
    const logs = await Promise.all(
      [...own.stack.processes, own.node.process].map(({ logFile }) => readFile(logFile, 'utf8')),
    );
    const text = logs.join('');
    const url = new URL(own.stack.database.url);
    const token = await own.admin.accessToken();
    for (const secret of [own.stack.psk, own.stack.adminPassword, decodeURIComponent(url.password), token]) {
      expect(secret.length).toBeGreaterThan(7);
      expect(text).not.toContain(secret);
    }
  });

  it('say at a node which one it is, and of a job which task, job and attempt', async () => {
    await own.admin.run(['task', 'create', '--command', 'sleep 60', '--name', 'logged']);
    const id = await eventually('the job runs', async () => {
      const { status, jobs, task_id } = await own.admin.json<{
        status: string;
        jobs: { status: string }[];
        task_id: string;
      }>('task', 'result', 'logged');
      return status === 'running' && jobs[0]?.status === 'running' && task_id;
    });
    await own.admin.run(['task', 'cancel', id, '--yes']);
    const line = await eventually('the end is logged', async () =>
      (await own.node.process.log()).split('\n').find((each) => each.includes('job stopped')),
    );
    expect(JSON.parse(line)).toMatchObject({
      node: own.node.slug,
      taskId: id,
      attempt: 1,
      jobId: expect.any(String),
    });
  });
});
