import { JobSocket } from '../../node-agent/inference/job-socket.ts';
import { InferenceProxy } from '../../node-agent/inference/proxy.ts';
import { createProxyMetrics } from '../../node-agent/inference/proxy-metrics.ts';
import { ModelQueue } from '../../node-agent/inference/queue.ts';
import { createMetrics } from '../../platform/metrics.ts';
import { SIDECAR_IMAGE } from '../../scripts/engines/sidecar-image.ts';
import { testSetting } from '../support/engines/environment.ts';
import { limitsWith, openSandbox, type Sandbox } from './sandbox-harness.ts';

const MEBIBYTE = 1024 * 1024;

/** A runner whose jobs have the image with tools, and by a sidecar each the models of an Ollama. */
export async function openModelSandbox(ollamaUrl: string): Promise<Sandbox> {
  const queue = new ModelQueue({ active: 2, waiting: 2 });
  const load = { active: () => queue.active, queued: () => queue.queued };
  const proxy = new InferenceProxy({
    kept: () => undefined,
    baseUrl: () => ollamaUrl,
    whyAway: () => 'away',
    queue,
    metrics: createProxyMetrics(createMetrics(), load),
  });
  const sandbox = await openSandbox({
    models: {
      image: SIDECAR_IMAGE,
      refusal: () => null,
      open: (socket) => JobSocket.open({ ...socket, proxy }),
    },
  });
  sandbox.setPolicy({
    defaultImage: testSetting('toolsImage'),
    limits: limitsWith({ memoryBytes: 256 * MEBIBYTE, cpuCores: 1 }),
  });
  return {
    ...sandbox,
    [Symbol.asyncDispose]: async () => {
      await sandbox[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}
