import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ROLE_NAMES } from '../../../bin/roles.ts';
import { SIDECAR_IMAGE } from '../../../scripts/engines/sidecar-image.ts';
import { COMPOSE_FOLDER, defaultsOf, readComposeFile, ROOT, variablesOf } from './compose-file.ts';
import type { Service } from './compose-file.ts';
import { RULES } from './rules.ts';

const file = readComposeFile();
const services = Object.entries(file.services);
const composeText = readFileSync(join(COMPOSE_FOLDER, 'compose.yaml'), 'utf8');
const setup = readFileSync(join(COMPOSE_FOLDER, 'setup'), 'utf8');
const service = (name: string): Service => {
  const found = file.services[name];
  if (found === undefined) throw new Error(`there is no service ${name}`);
  return found;
};

describe('every service of compose/', () => {
  it.each(Object.entries(RULES))('%s', (_rule, check) => {
    const broken = services.flatMap(([name, one]) => {
      const wrong = check(one, name, file);
      return wrong === null ? [] : [`${name}: ${wrong}`];
    });
    expect(broken).toEqual([]);
  });

  it.each(Object.entries(RULES))('would be caught if it broke: %s', (_rule, check) => {
    const bad: Service = {
      image: 'somebody/something:latest',
      user: 'root',
      restart: 'always',
      cap_drop: [],
      cap_add: [],
      security_opt: [],
      profiles: [],
      environment: { JWT_SECRET: 'x', OTHER_FILE: '/run/secrets/not_given' },
      secrets: ['unknown'],
      volumes: [],
      tmpfs: [],
      ports: ['0.0.0.0:80:80'],
      networks: ['database'],
      depends_on: { 'temporal-dev': { condition: 'service_started' } },
    };
    expect(check(bad, 'bad', file)).not.toBeNull();
  });
});

describe('the stack of compose/', () => {
  it('has every role, each with the secrets that it needs and no more', () => {
    const commands = services.map(([name, { command }]) => [name, [command].flat().join(' ')] as const);
    const served = new Map(commands.filter(([, command]) => command.startsWith('serve ')));
    expect([...served].map(([, command]) => command.replace('serve ', '')).sort()).toEqual(
      [...ROLE_NAMES].sort(),
    );
    expect(service('node-agent').secrets).toEqual(['node_registration_psk']);
    const ownersUrl = services.filter(([, one]) => one.secrets.includes('migration_database_url'));
    expect(ownersUrl.map(([name]) => name)).toEqual(['migrate']);
  });

  it('starts one Temporal in each of its profiles, under one name', () => {
    const named = services.filter(([name]) => ['temporal', 'temporal-dev'].includes(name));
    expect(named.map(([, { profiles }]) => profiles)).toEqual([['full'], ['dev']]);
    expect(composeText.match(/engine: \{ aliases: \[temporal\] \}/g)).toHaveLength(2);
    expect(service('temporal-dev').command).toContain('--db-filename=temporal.db');
    expect(service('temporal-dev').volumes).toEqual(['temporal:/home/temporal']);
  });

  it('lets only the node agent see the Docker socket, and keeps it from the database', () => {
    const withSocket = services.filter(([, { volumes }]) =>
      volumes.some((one) => one.includes('docker.sock')),
    );
    expect(withSocket.map(([name]) => name)).toEqual(['node-agent']);
    expect(service('node-agent').networks).toEqual(['engine']);
  });

  it('has the folder of the workspaces at the same path inside and outside', () => {
    const [, folder = ''] = service('node-agent').volumes;
    const half = (folder.length - 1) / 2;
    expect(folder.slice(0, half)).toBe(folder.slice(half + 1));
  });

  it('has no way from outside to Postgres or to Temporal', () => {
    expect(file.networks['database']).toMatchObject({ internal: true });
    expect(file.networks['engine']).toMatchObject({ internal: true });
    expect(service('postgres')).toMatchObject({ networks: ['database'], ports: [] });
    const published = services.flatMap(([, { ports }]) => ports).join(' ');
    expect(published).not.toMatch(/:(5432|7233)$|:(5432|7233) /);
  });

  it('asks for health by an address: `localhost` is ::1 first in some images, where servers do not listen', () => {
    const named = services.filter(([, { healthcheck }]) => healthcheck?.test.join(' ').includes('localhost'));
    expect(named.map(([name]) => name)).toEqual([]);
  });

  it('makes the image of the sidecars that its node agent uses, which is the one of every other node', () => {
    const { image, profiles } = service('sidecar');
    expect(service('node-agent').environment['INFERENCE_PROXY_IMAGE']).toBe(image);
    expect(defaultsOf(image)).toBe(SIDECAR_IMAGE);
    expect(profiles).toEqual(service('ollama').profiles);
  });

  it('sets only variables that are documented', () => {
    const documented = readFileSync(join(ROOT, 'docs', 'configuration.md'), 'utf8');
    const own = services.filter(([, { build }]) => build !== undefined);
    const undocumented = own
      .flatMap(([, { environment }]) => Object.keys(environment))
      .filter((name) => !documented.includes(`\`${name.replace(/_FILE$/, '')}\``));
    expect([...new Set(undocumented)]).toEqual([]);
  });

  it('has what a person may set in its own document', () => {
    const documented = readFileSync(join(ROOT, 'docs', 'compose.md'), 'utf8');
    expect(variablesOf(composeText).filter((name) => !documented.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('setting compose/ up', () => {
  it('makes every secret that the stack mounts, and none is in the repository', () => {
    for (const [name, { file: path }] of Object.entries(file.secrets)) {
      expect(path).toBe(`./secrets/${name}`);
      expect(setup).toContain(name);
    }
    const ignored = readFileSync(join(COMPOSE_FOLDER, '.gitignore'), 'utf8').split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['secrets/', '.env']));
  });

  it('has scripts that can be run', () => {
    const scripts = ['postgres', 'temporal'].flatMap((folder) =>
      readdirSync(join(COMPOSE_FOLDER, folder))
        .filter((name) => name.endsWith('.sh'))
        .map((name) => join(COMPOSE_FOLDER, folder, name)),
    );
    for (const path of [join(COMPOSE_FOLDER, 'setup'), ...scripts]) {
      expect(() => accessSync(path, constants.X_OK)).not.toThrow();
      expect(readFileSync(path, 'utf8')).toMatch(/^#!\/bin\/sh\n#[^\n]+\n(#[^\n]*\n)*set -eu/);
    }
  });
});
