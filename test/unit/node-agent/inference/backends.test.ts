import { describe, expect, it } from '@jest/globals';
import { AutomaticBackend } from '../../../../node-agent/inference/backend-auto.ts';
import {
  ContainerBackend,
  type ContainerBackendOptions,
} from '../../../../node-agent/inference/backend-container.ts';
import { NO_BACKEND } from '../../../../node-agent/inference/backend-none.ts';
import { ProcessBackend } from '../../../../node-agent/inference/backend-process.ts';
import { variablesFor, type StartOrder } from '../../../../node-agent/inference/backend.ts';
import { toServiceOptions } from '../../../../node-agent/sandbox/service-container.ts';
import { createLogger } from '../../../../platform/logger.ts';

const ORDER: StartOrder = {
  port: 12_345,
  configured: { enabled: true, env: { OLLAMA_CONTEXT_LENGTH: '8192' } },
  say: () => undefined,
};
const signal = new AbortController().signal;

/** A container engine that knows of one image, or none, and of no registry. */
function engineWith(image: string | null): ContainerBackendOptions['engine'] & { readonly calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    imageId: async (wanted) => (wanted === image ? 'sha256:1' : null),
    pull: async (wanted) => {
      calls.push(`pull ${wanted}`);
      throw new Error('no such host');
    },
    createService: async ({ name }) => void calls.push(`create ${name}`),
    start: async (name) => void calls.push(`start ${name}`),
    wait: () => new Promise<never>(() => undefined),
    remove: async (name) => {
      calls.push(`remove ${name}`);
      return 'gone';
    },
    listOwn: async () => [],
  };
}

function containerWith(over: Partial<ContainerBackendOptions> = {}): ContainerBackend {
  return new ContainerBackend({
    engine: engineWith(null),
    identity: { nodeSlug: 'node-01', instanceId: 'instance-1' },
    name: 'cynodeai-ollama',
    volume: 'models',
    image: undefined,
    variant: undefined,
    ...over,
  });
}

function processWith(program: string): ProcessBackend {
  const logger = createLogger({ role: 'test', level: 'silent' });
  return new ProcessBackend({ program, env: {}, home: '/nowhere', instanceId: 'i', logger });
}

describe('the container', () => {
  it('listens on loopback, keeps its models in a volume, and carries the labels of its node', () => {
    const options = toServiceOptions(containerWith().planFor(ORDER));
    expect(options).toMatchObject({
      name: 'cynodeai-ollama',
      Image: 'ollama/ollama',
      Env: ['OLLAMA_CONTEXT_LENGTH=8192', 'HOME=/var/lib/ollama', 'OLLAMA_HOST=0.0.0.0:11434'],
      Labels: {
        'cynodeai.node': 'node-01',
        'cynodeai.instance': 'instance-1',
        'cynodeai.service': 'ollama',
      },
      HostConfig: {
        PortBindings: { '11434/tcp': [{ HostIp: '127.0.0.1', HostPort: '12345' }] },
        Mounts: [{ Type: 'volume', Source: 'models', Target: '/var/lib/ollama' }],
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
      },
    });
    expect(options.HostConfig).not.toHaveProperty('DeviceRequests');
    expect(options.HostConfig).not.toHaveProperty('Devices');
  });

  it('gets all GPUs of Nvidia, and the devices of AMD with the image for them', () => {
    const cuda = toServiceOptions(containerWith({ variant: 'cuda' }).planFor(ORDER));
    expect(cuda.Image).toBe('ollama/ollama');
    expect(cuda.HostConfig?.DeviceRequests).toEqual([
      { Driver: 'nvidia', Count: -1, Capabilities: [['gpu']] },
    ]);
    const ordered = { ...ORDER, configured: { ...ORDER.configured, variant: 'rocm' as const } };
    const rocm = toServiceOptions(containerWith().planFor(ordered));
    expect(rocm.Image).toBe('ollama/ollama:rocm');
    expect(rocm.HostConfig).toMatchObject({
      Devices: [{ PathOnHost: '/dev/kfd' }, { PathOnHost: '/dev/dri' }],
    });
    expect(rocm.HostConfig?.GroupAdd).toEqual(['video', 'render']);
    expect(toServiceOptions(containerWith({ variant: 'cpu' }).planFor(ordered)).Image).toBe('ollama/ollama');
  });

  it('is of the image that the node names, else of the one that the orchestrator names', () => {
    const ordered = { ...ORDER, configured: { ...ORDER.configured, image: 'theirs:1' } };
    expect(containerWith().planFor(ordered).image).toBe('theirs:1');
    expect(containerWith({ image: 'ours:1' }).planFor(ordered).image).toBe('ours:1');
  });

  it('is removed when it is stopped', async () => {
    const engine = engineWith('ollama/ollama');
    const running = await containerWith({ engine }).start(ORDER, signal);
    await running.stop();
    expect(engine.calls).toEqual([
      'create cynodeai-ollama',
      'start cynodeai-ollama',
      'remove cynodeai-ollama',
    ]);
  });

  it('says what is wrong when its image cannot be had', async () => {
    await expect(containerWith().start(ORDER, signal)).rejects.toThrow(/ollama\/ollama.*no such host/);
  });
});

describe('a host with whatever it has', () => {
  it('gets the container when its image is there', async () => {
    const engine = engineWith('ollama/ollama');
    const auto = new AutomaticBackend(containerWith({ engine }), processWith('/bin/true'));
    expect((await auto.start(ORDER, signal)).kind).toBe('container');
    expect(engine.calls).not.toContain('pull ollama/ollama');
  });

  it('is told both ways when it has neither', async () => {
    const engine = engineWith(null);
    const auto = new AutomaticBackend(containerWith({ engine }), processWith('/no/such/ollama'));
    const failed = auto.start(ORDER, signal);
    await expect(failed).rejects.toThrow(/no such host.*\/no\/such\/ollama.*install Ollama/);
    expect(engine.calls).toEqual(['pull ollama/ollama']);
  });

  it('may be told to use only what is there', async () => {
    await expect(NO_BACKEND.start(ORDER, signal)).rejects.toThrow(/OLLAMA_BASE_URL/);
  });
});

describe('variables from the orchestrator', () => {
  it('reach Ollama when they are for it, and nothing that would make it another program', () => {
    const env = {
      OLLAMA_CONTEXT_LENGTH: '8192',
      HSA_OVERRIDE_GFX_VERSION: '11.0.0',
      OLLAMA_HOST: '0.0.0.0',
      OLLAMA_MODELS: '/etc',
      LD_PRELOAD: '/tmp/x.so',
      PATH: '/tmp',
    };
    expect(Object.keys(variablesFor({ env }))).toEqual(['OLLAMA_CONTEXT_LENGTH', 'HSA_OVERRIDE_GFX_VERSION']);
  });
});
