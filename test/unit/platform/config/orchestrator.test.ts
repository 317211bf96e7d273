import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readOrchestratorConfig } from '../../../../platform/config/orchestrator.ts';
import { ConfigError } from '../../../../platform/config/readers.ts';
import type { Env } from '../../../../platform/config/readers.ts';

const env: Env = {
  DATABASE_URL: 'postgres://app:pw@db/cynodeai',
  JWT_SECRET: 'a'.repeat(32),
  NODE_REGISTRATION_PSK: 'a random key',
};

const messageOf = (changes: Env): string => {
  try {
    readOrchestratorConfig({ ...env, ...changes });
    return '';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message;
  }
};

describe('the configuration of the orchestrator', () => {
  it('has a default for all but the database and the secrets', () => {
    const config = readOrchestratorConfig(env);
    expect(config).toMatchObject({
      databasePoolSize: 10,
      temporal: { address: '127.0.0.1:7233', namespace: 'cynodeai', tls: false },
      userApi: { host: '127.0.0.1', port: 12080 },
      controlPlane: { host: '127.0.0.1', port: 12082 },
      publicUrl: 'http://localhost:12082',
      controlPlaneUrl: 'http://localhost:12082',
      blobDir: '/var/lib/cynode/state/blobs',
      accessTokenMs: 900_000,
      refreshTokenMs: 604_800_000,
      nodeTokenMs: 86_400_000,
      maxBodyBytes: 10_485_760,
      loginsPerMinute: 60,
      auditRetentionDays: 365,
      previousSecrets: [],
      trustedProxies: [],
    });
    expect(config.bootstrapAdminPassword).toBeUndefined();
    expect(config.workflowRunnerToken).toBeUndefined();
  });

  it.each(['DATABASE_URL', 'JWT_SECRET', 'NODE_REGISTRATION_PSK'])(
    'cannot do without %s, which the message names',
    (name) => {
      for (const value of [undefined, '', '  '])
        expect(messageOf({ [name]: value })).toMatch(`${name} is not set: `);
    },
  );

  it.each([
    ['JWT_SECRET', 'change-me-in-production'],
    ['JWT_SECRET', 'dev-jwt-secret-change-in-production'],
    ['NODE_REGISTRATION_PSK', 'default-psk-change-me'],
    ['NODE_REGISTRATION_PSK', 'dev-node-psk-secret'],
    ['BOOTSTRAP_ADMIN_PASSWORD', 'admin123'],
  ])('refuses the known default of %s outside a development run', (name, value) => {
    expect(messageOf({ [name]: value })).toMatch(
      `${name} has a publicly known default value: set a random one`,
    );
    expect(messageOf({ [name]: value, CYNODEAI_DEV: '0' })).not.toBe('');
    expect(messageOf({ [name]: value, CYNODEAI_DEV: '1' })).toBe('');
  });

  it('refuses a short master secret outside a development run', () => {
    expect(messageOf({ JWT_SECRET: 'a'.repeat(31) })).toBe(
      'JWT_SECRET is too short: use at least 32 random characters',
    );
    expect(messageOf({ JWT_SECRET: 'short', CYNODEAI_DEV: '1' })).toBe('');
  });

  it('never shows a secret in a message', () => {
    const secrets = { JWT_SECRET: 'tooshort-but-secret', NODE_REGISTRATION_PSK: 'dev-node-psk-secret' };
    fc.assert(
      fc.property(fc.subarray(Object.entries(secrets), { minLength: 1 }), (chosen) => {
        const message = messageOf(Object.fromEntries(chosen));
        expect(message).not.toBe('');
        for (const [, value] of chosen) expect(message).not.toContain(value);
      }),
    );
  });

  it('reads lists, tells nodes another address of Temporal, and drops the slash of its own URL', () => {
    expect(
      readOrchestratorConfig({
        ...env,
        JWT_SECRET_PREVIOUS: 'older, oldest',
        TRUSTED_PROXIES: '10.0.0.0/8 192.168.0.1',
        TEMPORAL_ADDRESS: 'temporal:7233',
        TEMPORAL_PUBLIC_ADDRESS: 'temporal.example:443',
        TEMPORAL_TLS: 'true',
        ORCHESTRATOR_PUBLIC_URL: 'https://cynode.example//',
        CONTROL_PLANE_URL: 'http://control-plane:12082/',
        CYNODE_STATE_DIR: '/var/lib/elsewhere',
        BLOB_DIR: '/srv/blobs',
        MAX_REQUEST_BODY_MB: '2',
      }),
    ).toMatchObject({
      previousSecrets: ['older', 'oldest'],
      trustedProxies: ['10.0.0.0/8', '192.168.0.1'],
      temporal: { address: 'temporal:7233', tls: true },
      temporalForNodes: { address: 'temporal.example:443', tls: true },
      publicUrl: 'https://cynode.example',
      controlPlaneUrl: 'http://control-plane:12082',
      blobDir: '/srv/blobs',
      maxBodyBytes: 2_097_152,
    });
  });
});
