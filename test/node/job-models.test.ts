import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { JobSocket } from '../../node-agent/inference/job-socket.ts';
import { InferenceProxy } from '../../node-agent/inference/proxy.ts';
import { createProxyMetrics } from '../../node-agent/inference/proxy-metrics.ts';
import { ModelQueue } from '../../node-agent/inference/queue.ts';
import { JobStoppedError, type ModelGate } from '../../node-agent/sandbox/index.ts';
import { sleep } from '../../platform/clock.ts';
import { createMetrics } from '../../platform/metrics.ts';
import { SIDECAR_IMAGE } from '../../scripts/engines/sidecar-image.ts';
import { testSetting } from '../support/engines/environment.ts';
import { startModelServer, type ModelServer } from '../support/model-server/model-server.ts';
import { eventually } from '../support/wait.ts';
import { openSandbox, type Sandbox, type SandboxOptions } from './sandbox-harness.ts';

const CHAT = '{"model":"tiny","messages":[{"role":"user","content":"hi"}]}';
const ASK = `wget -q -O - --post-data '${CHAT}' http://localhost:11434/api/chat`;

let resources: AsyncDisposableStack;
let model: ModelServer;
let proxy: InferenceProxy;
beforeEach(async () => {
  resources = new AsyncDisposableStack();
  model = resources.use(await startModelServer({ models: [{ name: 'tiny', loaded: true }] }));
  const queue = new ModelQueue({ active: 2, waiting: 2 });
  proxy = resources.use(
    new InferenceProxy({
      kept: () => undefined,
      baseUrl: () => model.url,
      whyAway: () => 'away',
      queue,
      metrics: createProxyMetrics(createMetrics(), {
        active: () => queue.active,
        queued: () => queue.queued,
      }),
    }),
  );
});
afterEach(() => resources.disposeAsync());

async function open(change: Partial<ModelGate> = {}, options: SandboxOptions = {}): Promise<Sandbox> {
  const models: ModelGate = {
    image: SIDECAR_IMAGE,
    refusal: () => null,
    open: (socket) => JobSocket.open({ ...socket, proxy }),
    ...change,
  };
  return resources.use(await openSandbox({ ...options, models }));
}

async function nothingIsLeft(sandbox: Sandbox): Promise<void> {
  await sandbox.runner.settled();
  expect([await sandbox.containers(), await sandbox.workspaces()]).toEqual([[], []]);
}

function endless(): void {
  const never = Promise.withResolvers<void>();
  resources.defer(() => never.resolve());
  model.answer({ deltas: ['one', 'two'], pauseAfter: { deltas: 1, until: never.promise } });
}

describe('a job that asks for models', () => {
  it('reaches them on its loopback and by its socket, and nothing else', async () => {
    const sandbox = await open();
    const script = [
      'echo "$OLLAMA_BASE_URL $INFERENCE_PROXY_URL $(hostname)"',
      'wget -q -O - http://127.0.0.1:11434/healthz',
      ASK,
      'ls -l /run/cynode | grep -c srw-------',
      'touch /run/cynode/x 2>/dev/null || echo read-only',
      'cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d " "',
      'nslookup example.com 127.0.0.11 >/dev/null 2>&1 || echo no names',
      'wget -q -T 2 -O - http://172.17.0.1:80/ 2>/dev/null || echo no host',
      'wget -q -O - --post-data "{}" http://localhost:11434/api/pull 2>&1 | grep -c 404',
    ].join('\n');
    const result = await sandbox.run({ script, use_inference: true });
    expect(result.stderr).toBe('');
    const lines = result.stdout.split('\n');
    expect(lines[0]).toBe(
      'http://localhost:11434 http+unix://%2Frun%2Fcynode%2Finference-proxy.sock sandbox',
    );
    expect(lines[1]).toBe('ok');
    expect(lines[2]).toContain('"content":"Hello"');
    expect(lines.slice(-7, -1)).toEqual(['1', 'read-only', 'lo', 'no names', 'no host', '1']);
    await nothingIsLeft(sandbox);
  });

  it('keeps the exit code, and takes no prepared container', async () => {
    const sandbox = await open({}, { warmPool: 1 });
    const result = await sandbox.run({ command: ['sh', '-c', 'exit 7'], use_inference: true });
    expect([result.status, result.exit_code]).toEqual(['failed', 7]);
    expect(sandbox.counts).toEqual({ taken: 0, missed: ['models'] });
  });

  it('has its generation ended with it when it is cancelled, and its way is gone', async () => {
    const sandbox = await open();
    endless();
    const jobId = randomUUID();
    const running = sandbox.run({ script: ASK, use_inference: true }, { jobId });
    const ended = expect(running).rejects.toThrow(JobStoppedError);
    await eventually('the model is asked', async () => model.callsTo('POST /api/chat').length === 1);
    await sandbox.runner.cancel(jobId, 1);
    await ended;
    await eventually(
      'the generation ends',
      async () => model.callsTo('POST /api/chat')[0]?.outcome === 'gone',
    );
    expect(proxy.load).toEqual({ active: 0, queued: 0 });
    await nothingIsLeft(sandbox);
  });

  it('loses its way as soon as its lease is lost', async () => {
    const sandbox = await open();
    endless();
    const lease = new AbortController();
    const running = sandbox.run({ script: ASK, use_inference: true }, { signal: lease.signal });
    const ended = expect(running).rejects.toMatchObject({ reason: 'lease_lost' });
    await eventually('the model is asked', async () => model.callsTo('POST /api/chat').length === 1);
    lease.abort(new JobStoppedError('lease_lost'));
    await eventually('the generation ends', async () => proxy.load.active === 0);
    await ended;
    await nothingIsLeft(sandbox);
  });

  it('has its generation ended by its timeout', async () => {
    const sandbox = await open();
    endless();
    const result = await sandbox.run({ script: ASK, use_inference: true, timeout_seconds: 2 });
    expect(result.status).toBe('timeout');
    expect(proxy.load.active).toBe(0);
    await nothingIsLeft(sandbox);
  });

  it('fails with a code that says what to do when there is no image, no model, or its sidecar ends', async () => {
    const noImage = await (
      await open({ image: 'cynodeai-none:1' })
    ).run({ command: ['true'], use_inference: true });
    expect(noImage).toMatchObject({ failure_code: 'inference_unavailable', status: 'failed', exit_code: -1 });
    expect(noImage.stderr).toContain('cynodeai-none:1');
    const noModel = await (
      await open({ refusal: () => 'none here' })
    ).run({ command: ['true'], use_inference: true });
    expect(noModel).toMatchObject({ failure_code: 'no_inference_path' });

    const sandbox = await open();
    const jobId = randomUUID();
    const started = Promise.withResolvers<void>();
    const running = sandbox.run(
      { command: ['sleep', '60'], use_inference: true },
      { jobId, onStarted: started.resolve },
    );
    await started.promise;
    await sandbox.engine.remove(`cynodeai-job-${jobId}-1-inference`);
    expect(await running).toMatchObject({ failure_code: 'inference_unavailable' });
    await nothingIsLeft(sandbox);
  });

  it('fails without having run when its sidecar cannot be started, and leaves nothing', async () => {
    // An image that has no socat.
    const sandbox = await open({ image: testSetting('sandboxImage') });
    let started = false;
    const onStarted = (): void => {
      started = true;
    };
    const result = await sandbox.run({ command: ['true'], use_inference: true }, { onStarted });
    expect(result).toMatchObject({ failure_code: 'inference_unavailable', exit_code: -1 });
    expect(result.stderr).toContain('its sidecar cannot be started');
    expect(started).toBe(false);
    await nothingIsLeft(sandbox);
  });

  it.each([0, 20, 60, 120, 250])(
    'leaves neither container when it is cancelled %i ms after it was begun',
    async (delayMs) => {
      const sandbox = await open();
      const jobId = randomUUID();
      const running = sandbox.run({ command: ['sleep', '60'], use_inference: true }, { jobId });
      const ended = expect(running).rejects.toMatchObject({ reason: 'canceled' });
      await sleep(delayMs);
      await sandbox.runner.cancel(jobId, 1);
      await ended;
      await nothingIsLeft(sandbox);
    },
  );

  it('knows its loopback by name, whatever its image has', async () => {
    const sandbox = await open();
    const command = ['sh', '-c', 'cat /etc/hosts; hostname; ip route | wc -l; echo >/etc/hosts || true'];
    const result = await sandbox.run({ command, use_inference: true });
    expect(result.stdout).toBe('127.0.0.1 localhost sandbox\nsandbox\n0\n');
    expect(result.stderr).toContain('/etc/hosts');
  });

  it('leaves nothing that the next start of the agent would not remove', async () => {
    const sandbox = await open();
    const stop = new AbortController();
    const started = Promise.withResolvers<void>();
    const running = sandbox.run(
      { command: ['sleep', '60'], use_inference: true },
      { signal: stop.signal, onStarted: started.resolve },
    );
    await started.promise;
    expect((await sandbox.containers()).length).toBe(2);
    stop.abort();
    await expect(running).rejects.toThrow();
    await nothingIsLeft(sandbox);
  });
});
