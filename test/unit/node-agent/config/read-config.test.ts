import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readNodeAgentConfig } from '../../../../node-agent/config/read-config.ts';
import type { NodeAgentConfig } from '../../../../node-agent/config/node-agent-config.ts';
import { ConfigError, type Env } from '../../../../platform/config/readers.ts';

const MEBIBYTE = 1024 * 1024;
const HOST = { cpuCores: 4, ramBytes: 16 * 1024 * MEBIBYTE };
const PSK = { NODE_REGISTRATION_PSK: 'a-random-psk' };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-config-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function read(env: Env): NodeAgentConfig {
  return readNodeAgentConfig({ ...PSK, ...env }, { host: HOST });
}

let files = 0;
function withYaml(yaml: string, env: Env = {}): NodeAgentConfig {
  const path = join(folder, `node-${String(files++)}.yaml`);
  writeFileSync(path, yaml);
  return read({ NODE_CONFIG: path, ...env });
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

const YAML_HEAD = 'version: 1\norchestrator: { url: "http://orchestrator:12082" }\nnode: { id: edge-1 }\n';

describe('the settings of a node agent', () => {
  it('have the defaults of the contract', () => {
    const config = read({});
    expect(config).toMatchObject({
      orchestratorUrl: 'http://localhost:12082',
      slug: 'node-01',
      name: 'Default Node',
      stateDir: '/var/lib/cynode/state',
      requestTimeoutMs: 10_000,
      readinessTimeoutMs: 90_000,
      capabilityIntervalMs: 60_000,
      workerApi: { listen: { host: '0.0.0.0', port: 12_090 }, maxRequestBytes: 10 * MEBIBYTE },
      sandbox: {
        mode: 'allow',
        defaultImage: 'cynodeai-sandbox:base',
        defaultTimeoutSeconds: 3600,
        maxTimeoutSeconds: 10_800,
        mountRoot: '/var/lib/cynode/state/sandbox_mounts',
      },
    });
    expect(config.sandbox.allowedImages).toBeUndefined();
    expect(config.sandbox.limits.outputBytes).toBe(262_144);
  });

  it('always bound a job in every way', () => {
    for (const [name, limit] of Object.entries(read({}).sandbox.limits)) {
      expect([name, limit > 0 && Number.isFinite(limit)]).toEqual([name, true]);
    }
  });

  it('come from the environment', () => {
    const config = read({
      ORCHESTRATOR_URL: 'https://cynode.example/',
      NODE_SLUG: 'gpu-7',
      NODE_NAME: 'GPU 7',
      NODE_ADVERTISED_WORKER_API_URL: 'http://10.0.0.7:12090',
      CAPABILITY_REPORT_INTERVAL: '2m',
      HTTP_TIMEOUT: '3s',
      NODE_MANAGER_READINESS_TIMEOUT: '5s',
      CYNODE_STATE_DIR: '/s/cynode',
      DEFAULT_TIMEOUT_SECONDS: '300',
      MAX_OUTPUT_BYTES: '4096',
      WORKSPACE_ROOT: '/big/disk',
      LISTEN_ADDR: '127.0.0.1:9190',
      SANDBOX_DEFAULT_IMAGE: 'tools:2',
      DOCKER_HOST: 'unix:///run/my.sock',
    });
    expect(config).toMatchObject({
      orchestratorUrl: 'https://cynode.example',
      slug: 'gpu-7',
      name: 'GPU 7',
      capabilityIntervalMs: 120_000,
      requestTimeoutMs: 3_000,
      readinessTimeoutMs: 5_000,
      stateDir: '/s/cynode',
      workerApi: {
        listen: { host: '127.0.0.1', port: 9190 },
        advertisedUrl: 'http://10.0.0.7:12090',
      },
      sandbox: {
        defaultTimeoutSeconds: 300,
        mountRoot: '/big/disk',
        defaultImage: 'tools:2',
        dockerHost: 'unix:///run/my.sock',
      },
    });
    expect(config.sandbox.limits.outputBytes).toBe(4096);
  });

  it('prefer the more special variable', () => {
    const config = read({
      WORKER_API_STATE_DIR: '/a',
      CYNODE_STATE_DIR: '/b',
      WORKER_API_LISTEN_ADDR: ':1',
      LISTEN_ADDR: ':2',
    });
    expect(config.stateDir).toBe('/a');
    expect(config.workerApi.listen.port).toBe(1);
  });

  it('come from the startup YAML, and the environment wins over it', () => {
    const yaml = `${YAML_HEAD}
worker_api: { listen_host: 127.0.0.1, listen_port: 4000, public_base_url: "http://edge:4000" }
sandbox:
  mode: sandbox_only
  max_concurrency: 3
  default_image: yaml:1
  allowed_images: [ "yaml:1", "reg/*" ]
  resources: { max_cpu_cores: 2, max_memory_mb: 100, max_pids: 50 }
  timeouts: { default_seconds: 900, max_seconds: 600 }
storage: { state_dir: /yaml/state }
logging: { level: debug }
`;
    expect(withYaml(yaml, { SANDBOX_DEFAULT_IMAGE: 'env:1' })).toMatchObject({
      orchestratorUrl: 'http://orchestrator:12082',
      slug: 'edge-1',
      stateDir: '/yaml/state',
      logLevel: 'debug',
      workerApi: { listen: { host: '127.0.0.1', port: 4000 }, advertisedUrl: 'http://edge:4000' },
      sandbox: {
        mode: 'sandbox_only',
        maxConcurrency: 3,
        defaultImage: 'env:1',
        allowedImages: ['yaml:1', 'reg/*'],
        defaultTimeoutSeconds: 600,
        maxTimeoutSeconds: 600,
        mountRoot: '/yaml/state/sandbox_mounts',
        limits: { cpuCores: 2, memoryBytes: 100 * MEBIBYTE, pids: 50 },
      },
    });
  });

  it('never give a job more CPUs than the host has', () => {
    const yaml = `${YAML_HEAD}sandbox: { resources: { max_cpu_cores: 64 } }\n`;
    expect(withYaml(yaml).sandbox.limits.cpuCores).toBe(HOST.cpuCores);
  });
});

describe('the registration key', () => {
  it('may come from a file, named by a variable or by the YAML', () => {
    const path = join(folder, 'psk');
    writeFileSync(path, 'from-a-file\n');
    const yaml = (source: string): string => YAML_HEAD.replace('12082" }', `12082", ${source} }`);
    expect(read({ NODE_REGISTRATION_PSK: undefined, NODE_REGISTRATION_PSK_FILE: path }).registrationPsk).toBe(
      'from-a-file',
    );
    const unset = { NODE_REGISTRATION_PSK: undefined };
    expect(withYaml(yaml(`registration_psk_file: ${path}`), unset).registrationPsk).toBe('from-a-file');
    expect(withYaml(yaml('registration_psk_env: MY_PSK'), { ...unset, MY_PSK: 'mine' }).registrationPsk).toBe(
      'mine',
    );
  });

  it('is required, and a known default is refused outside a development run', () => {
    expect(refusal(() => read({ NODE_REGISTRATION_PSK: undefined }))).toContain('NODE_REGISTRATION_PSK');
    const known = { NODE_REGISTRATION_PSK: 'default-psk-change-me' };
    expect(refusal(() => read(known))).toContain('NODE_REGISTRATION_PSK');
    expect(read({ ...known, CYNODEAI_DEV: '1' }).registrationPsk).toBe('default-psk-change-me');
  });
});

describe('a setting that cannot be honoured', () => {
  it('is refused with its name and a way out', () => {
    expect(refusal(() => read({ CONTAINER_RUNTIME: 'direct' }))).toContain('without a container');
    expect(refusal(() => read({ CONTAINER_RUNTIME: 'podman' }))).toContain('DOCKER_HOST');
    expect(refusal(() => read({ CONTAINER_RUNTIME: 'runc' }))).toContain('CONTAINER_RUNTIME=runc');
    expect(refusal(() => read({ DOCKER_HOST: 'ssh://somewhere' }))).toContain('DOCKER_HOST');
    expect(refusal(() => read({ NODE_SLUG: 'Not A Slug' }))).toContain('NODE_SLUG');
    expect(refusal(() => read({ ORCHESTRATOR_URL: 'nowhere' }))).toContain('ORCHESTRATOR_URL');
    expect(refusal(() => read({ MAX_OUTPUT_BYTES: '99999999' }))).toContain('MAX_OUTPUT_BYTES');
    expect(refusal(() => read({ NODE_CONFIG: join(folder, 'absent.yaml') }))).toContain('absent.yaml');
  });

  it('podman is taken by its Docker-compatible socket', () => {
    const env = { CONTAINER_RUNTIME: 'podman', DOCKER_HOST: 'unix:///run/podman/podman.sock' };
    expect(read(env).sandbox.dockerHost).toBe('unix:///run/podman/podman.sock');
  });

  it('in the YAML is refused with its key, and so is a key that is not known', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['sandbox: { security: { allow_privileged: true } }', 'allow_privileged'],
      ['sandbox: { security: { allow_host_network: true } }', 'allow_host_network'],
      ['sandbox: { security: { allow_device_mounts: true } }', 'allow_device_mounts'],
      ['sandbox: { mounts: { allowed_host_paths: [ /etc ] } }', 'allowed_host_paths'],
      ['sandbox: { default_network_policy: unrestricted }', 'default_network_policy'],
      ['sandbox: { allowed_egress_domains: [ example.org ] }', 'allowed_egress_domains'],
      ['sandbox: { resources: { max_memry_mb: 1 } }', 'max_memry_mb'],
      ['sandbox: { max_concurrency: 0 }', 'max_concurrency'],
    ];
    for (const [line, key] of cases) expect(refusal(() => withYaml(`${YAML_HEAD}${line}\n`))).toContain(key);
    expect(refusal(() => withYaml(YAML_HEAD.replace('version: 1', 'version: 2')))).toContain('version');
    expect(refusal(() => withYaml(YAML_HEAD.replace('edge-1', 'Edge')))).toContain('lower-case');
  });
});
