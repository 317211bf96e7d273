import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  ConfigError,
  durationMs,
  flag,
  integer,
  listenAddress,
  optional,
  parseDurationMs,
  required,
  secret,
} from '../../../../platform/config/readers.ts';

const blank = fc.constantFrom('', ' ', '\t', '\n  ');

describe('a setting', () => {
  it('is absent when it is blank, and trimmed otherwise', () => {
    fc.assert(
      fc.property(blank, blank, fc.stringMatching(/^[a-z0-9]+$/), (before, after, value) => {
        expect(optional({ NAME: before }, 'NAME')).toBeUndefined();
        expect(optional({ NAME: `${before}${value}${after}` }, 'NAME')).toBe(value);
      }),
    );
    expect(optional({}, 'NAME')).toBeUndefined();
  });

  it('that is required names itself and what to do when it is missing', () => {
    expect(() => required({ NAME: ' ' }, 'NAME', 'give the URL')).toThrow(
      new ConfigError('NAME is not set: give the URL'),
    );
  });

  it('is a flag when it says so in one of the usual ways', () => {
    for (const yes of ['1', 'true', 'TRUE', 'yes', ' Yes ']) expect(flag({ NAME: yes }, 'NAME')).toBe(true);
    for (const no of ['', '0', 'false', 'no', 'on?']) expect(flag({ NAME: no }, 'NAME')).toBe(false);
  });
});

describe('a secret', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cynodeai-readers-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  it('may be a required setting', () => {
    expect(required({ NAME_FILE: file('required', 'postgres://…\n') }, 'NAME', 'give the URL')).toBe(
      'postgres://…',
    );
  });

  it('comes from its file without the line end, and rather from the variable', () => {
    const path = file('secret', 'from-file\n');
    expect(secret({ NAME_FILE: path }, 'NAME')).toBe('from-file');
    expect(secret({ NAME: ' ', NAME_FILE: path }, 'NAME')).toBe('from-file');
    expect(secret({ NAME: 'direct', NAME_FILE: path }, 'NAME')).toBe('direct');
  });

  it('is absent when neither is set, and also when the file is blank', () => {
    expect(secret({}, 'NAME')).toBeUndefined();
    expect(secret({ NAME_FILE: file('blank', ' \n') }, 'NAME')).toBeUndefined();
  });

  it('from a file that cannot be read is refused, with the variable named', () => {
    const missing = join(folder, 'missing');
    expect(() => secret({ NAME_FILE: missing }, 'NAME')).toThrow(ConfigError);
    expect(() => secret({ NAME_FILE: missing }, 'NAME')).toThrow(/^NAME_FILE cannot be read: .*missing/);
  });
});

describe('a duration', () => {
  it.each([
    ['15m', 900_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1.5s', 1500],
    ['1m0.5s', 60_500],
    ['0s', 0],
  ])('of %s is %d ms', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it('is the sum of its parts', () => {
    const part = fc.tuple(
      fc.nat(1000),
      fc.constantFrom(['ms', 1], ['s', 1000], ['m', 60_000], ['h', 3_600_000]),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), (parts) => {
        const text = parts.map(([amount, [unit]]) => `${amount}${String(unit)}`).join('');
        const sum = parts.reduce((total, [amount, [, unitMs]]) => total + amount * Number(unitMs), 0);
        expect(parseDurationMs(text)).toBe(sum);
      }),
    );
  });

  it('that is none is refused, with the variable, its value and an example', () => {
    for (const text of ['15', '-1s', '1d', 's', '1 s', '1s!', '1e3s', 'soon']) {
      expect(() => durationMs({ NAME: text }, 'NAME', 1)).toThrow(
        new ConfigError(`NAME=${text} is not a duration: write it like 30s, 15m or 1h30m`),
      );
    }
  });

  it('falls back when it is blank', () => {
    expect(durationMs({ NAME: ' ' }, 'NAME', 42)).toBe(42);
  });
});

describe('a whole number', () => {
  it('is read, or falls back when it is blank', () => {
    expect(integer({ NAME: ' 12 ' }, 'NAME', 5)).toBe(12);
    expect(integer({ NAME: '' }, 'NAME', 5)).toBe(5);
  });

  it('below the least, broken or no number at all is refused, with the variable and the bound', () => {
    for (const text of ['0', '-3', '1.5', 'many', 'Infinity', 'NaN']) {
      expect(() => integer({ NAME: text }, 'NAME', 5, 1)).toThrow(
        new ConfigError(`NAME=${text} is not a whole number of at least 1`),
      );
    }
  });
});

describe('a listen address', () => {
  it.each([
    ['127.0.0.1:12080', { host: '127.0.0.1', port: 12080 }],
    [':12080', { host: '0.0.0.0', port: 12080 }],
    ['12080', { host: '0.0.0.0', port: 12080 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
  ])('of %s is understood', (text, address) => {
    expect(listenAddress({ NAME: text }, ['NAME'], 'never:1')).toEqual(address);
  });

  it('comes from the first variable that is set, else it is the fallback', () => {
    const env = { FIRST: ' ', SECOND: 'b:2', THIRD: 'c:3' };
    expect(listenAddress(env, ['FIRST', 'SECOND', 'THIRD'], 'z:9')).toEqual({ host: 'b', port: 2 });
    expect(listenAddress({}, ['FIRST'], 'z:9')).toEqual({ host: 'z', port: 9 });
  });

  it('that is none is refused, with the variable that holds it', () => {
    for (const text of ['host', 'host:', 'host:65536', 'host:-1', 'host:80x']) {
      expect(() => listenAddress({ SECOND: text }, ['FIRST', 'SECOND'], 'z:9')).toThrow(
        new ConfigError(`SECOND=${text} is not an address: write host:port`),
      );
    }
  });
});
