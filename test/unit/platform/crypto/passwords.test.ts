import { describe, expect, it } from '@jest/globals';
import { hashPassword, verifyPassword } from '../../../../platform/crypto/passwords.ts';

describe('passwords', () => {
  it('are kept as argon2id with the parameters of the contract', async () => {
    expect(await hashPassword('correct horse')).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=2\$/);
  });

  it('are salted, and verified', async () => {
    const [one, two] = await Promise.all([
      hashPassword('pässwörd\u{1f511}'),
      hashPassword('pässwörd\u{1f511}'),
    ]);
    expect(one).not.toBe(two);
    expect(await verifyPassword(one, 'pässwörd\u{1f511}')).toBe(true);
    expect(await verifyPassword(one, 'pässwörd')).toBe(false);
    expect(await verifyPassword(one, '')).toBe(false);
  });

  it('do not fit a stored hash that is broken', async () => {
    for (const stored of ['', 'x', '$argon2id$', '$2b$10$abcdefghijklmnopqrstuv'])
      expect(await verifyPassword(stored, 'x')).toBe(false);
  });
});
