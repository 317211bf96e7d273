import type { ContainerEngine } from '../../node-agent/sandbox/index.ts';

const NO_OUTPUT = { ended: Promise.resolve(), [Symbol.dispose]: () => undefined };

/** An engine whose containers end at once with 0 and never were. What is left of a task is what CyNodeAI itself costs. */
export function createNoopEngine(): ContainerEngine {
  return {
    ping: async () => undefined,
    info: async () => ({ version: 'none', rootless: false, cgroupVersion: '2', seccomp: true, cpuCores: 1 }),
    imageId: async () => 'none',
    imageFacts: async () => ({ imageId: 'none', env: [] }),
    create: async () => 'none',
    createService: async () => undefined,
    createSidecar: async () => undefined,
    exec: async () => undefined,
    attach: async () => NO_OUTPUT,
    attachInput: async () => ({ ...NO_OUTPUT, write: () => undefined }),
    rename: async () => undefined,
    start: async () => undefined,
    wait: async () => 0,
    wasOutOfMemory: async () => false,
    remove: async () => 'gone',
    pull: async () => undefined,
    listOwn: async () => [],
  };
}
