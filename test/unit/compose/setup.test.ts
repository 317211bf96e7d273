import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseEnv } from 'node:util';
import { COMPOSE_FOLDER, readComposeFile } from './compose-file.ts';

let folder: string;
const socket = createServer();
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cynodeai-compose-'));
  copyFileSync(join(COMPOSE_FOLDER, 'setup'), join(folder, 'setup'));
  await new Promise<void>((resolve) => socket.listen(join(folder, 'docker.sock'), resolve));
});
afterEach(async () => {
  await new Promise((resolve) => socket.close(resolve));
  rmSync(folder, { recursive: true });
});

function setup(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const result = spawnSync('sh', [join(folder, 'setup'), ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', DOCKER_SOCKET: join(folder, 'docker.sock'), ...env },
  });
  return { code: result.status, stderr: result.stderr };
}

const secret = (name: string): string => readFileSync(join(folder, 'secrets', name), 'utf8');
const settings = (): NodeJS.Dict<string> => parseEnv(readFileSync(join(folder, '.env'), 'utf8'));
const modeOf = (...path: string[]): number => statSync(join(folder, ...path)).mode & 0o777;

describe('compose/setup', () => {
  it('makes a random value for every secret, in a folder that is closed', () => {
    expect(setup()).toEqual({ code: 0, stderr: '' });
    const names = readdirSync(join(folder, 'secrets'));
    expect(names.sort()).toEqual(Object.keys(readComposeFile().secrets).sort());
    expect(new Set(names.map(secret)).size).toBe(names.length);
    for (const name of names) expect(secret(name).length).toBeGreaterThanOrEqual(32);
    expect(modeOf('secrets')).toBe(0o700);
    expect(modeOf('secrets', 'jwt_secret')).toBe(0o444);
    expect(secret('database_url')).toBe(
      `postgres://cynodeai_app:${secret('database_app_password')}@postgres:5432/cynodeai`,
    );
  });

  it('writes the settings of this host, with a user for the agent that is not root', () => {
    setup(['--dev']);
    expect(modeOf('.env')).toBe(0o600);
    expect(settings()).toMatchObject({
      COMPOSE_PROFILES: 'dev',
      CYNODEAI_NODE_DIR: expect.stringMatching(/^\/.*\/node$/),
      DOCKER_GID: String(statSync(join(folder, 'docker.sock')).gid),
      OLLAMA_CPUS: String(cpus().length),
      CYNODEAI_CPUS: String(Math.min(cpus().length, 2)),
    });
    const [uid] = settings()['CYNODEAI_NODE_USER']?.split(':') ?? [];
    expect(Number(uid)).toBeGreaterThan(0);
    expect(statSync(join(folder, 'node')).uid).toBe(Number(uid));
  });

  it('keeps what is there when it runs again', () => {
    setup();
    const before = [secret('jwt_secret'), readFileSync(join(folder, '.env'), 'utf8')];
    expect(setup(['--dev']).code).toBe(0);
    expect([secret('jwt_secret'), readFileSync(join(folder, '.env'), 'utf8')]).toEqual(before);
  });

  it.each(['admin123', 'change-me-in-production', 'default-psk-change-me', 'dev-node-psk-secret'])(
    'refuses %s, which everybody knows',
    (known) => {
      setup();
      rmSync(join(folder, 'secrets', 'admin_password'));
      writeFileSync(join(folder, 'secrets', 'admin_password'), known);
      const { code, stderr } = setup();
      expect(code).toBe(1);
      expect(stderr).toContain('compose/secrets/admin_password holds a value that everybody knows');
    },
  );

  it('says what is missing', () => {
    expect(setup([], { DOCKER_SOCKET: join(folder, 'none.sock') })).toEqual({
      code: 1,
      stderr: expect.stringContaining('install Docker Engine, or name its socket in DOCKER_SOCKET'),
    });
    expect(setup(['--prod']).stderr).toBe('setup: unknown option --prod: use --dev, or none\n');
  });
});
