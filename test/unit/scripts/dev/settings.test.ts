import { describe, expect, it } from '@jest/globals';
import { ownPorts, readSettings, urlsOf } from '../../../../scripts/dev/settings.ts';

describe('settings of ./dev', () => {
  it('takes the usual ports when nothing is said', () => {
    const settings = readSettings({});
    expect(settings.ports.userApi).toBe(12080);
    expect(urlsOf(settings).temporalUi).toBe('http://localhost:8233/namespaces/cynodeai');
  });

  it('takes another port from its variable', () => {
    const settings = readSettings({ CYNODEAI_PORT_USER_API: '13080' });
    expect(urlsOf(settings).userApi).toBe('http://localhost:13080');
  });

  it.each(['abc', '0', '70000', '1.5'])('refuses the port %s and names the variable', (value) => {
    expect(() => readSettings({ CYNODEAI_PORT_TEMPORAL: value })).toThrow(`CYNODEAI_PORT_TEMPORAL=${value}`);
  });

  it('needs no Postgres port of its own beside a given database', () => {
    expect(ownPorts(readSettings({}))).toContain('postgres');
    expect(ownPorts(readSettings({ DATABASE_URL: 'postgres://db/x' }))).not.toContain('postgres');
  });

  it('migrates with the address of the owner where one is given', () => {
    const url = 'postgres://app@db/x';
    const owner = 'postgres://owner@db/x';
    expect(readSettings({ DATABASE_URL: url }).givenDatabase).toEqual({ url, migrationUrl: url });
    expect(readSettings({ DATABASE_URL: url, MIGRATION_DATABASE_URL: owner }).givenDatabase).toEqual({
      url,
      migrationUrl: owner,
    });
  });

  it('refuses a node name that would lead out of the state folder', () => {
    expect(() => readSettings({ NODE_SLUG: '../elsewhere' })).toThrow('NODE_SLUG');
  });
});
