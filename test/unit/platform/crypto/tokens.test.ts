import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeJwt, SignJWT, UnsecuredJWT } from 'jose';
import { sleep } from '../../../../platform/clock.ts';
import { deriveKey } from '../../../../platform/crypto/keys.ts';
import { createTokenService } from '../../../../platform/crypto/tokens.ts';

const SECRET = 'a master secret of a test, 32 and more';
const tokens = createTokenService(SECRET);
const id = randomUUID();
const LIFE = { lifeMs: 60_000 };

const KINDS = ['access', 'refresh', 'node', 'job', 'agent', 'service'] as const;
const signed: { readonly [K in (typeof KINDS)[number]]: () => Promise<string> } = {
  access: () => tokens.sign('access', { sub: id, user_id: id, handle: 'ada', sid: id }, LIFE),
  refresh: () => tokens.sign('refresh', { sub: id, user_id: id, sid: id }, LIFE),
  node: () => tokens.sign('node', { sub: id, node_id: id, node_slug: 'node-01', incarnation: 3 }, LIFE),
  job: () => tokens.sign('job', { sub: id, job_id: id, attempt: 2 }, LIFE),
  agent: () => tokens.sign('agent', { sub: id, turn_id: id, epoch: 1, user_id: id, task_id: id }, LIFE),
  service: () => tokens.sign('service', { sub: id }, LIFE),
};
const REFUSED = { code: 'authentication', message: 'Invalid or expired token' };

describe('a token', () => {
  it.each(KINDS)('of kind %s is good for its own kind only', async (kind) => {
    const token = await signed[kind]();
    for (const other of KINDS) {
      const verified = tokens.verify(other, token);
      if (other === kind) await expect(verified).resolves.toMatchObject({ sub: id });
      else await expect(verified).rejects.toMatchObject(REFUSED);
    }
  });

  it('carries what the contract says', async () => {
    expect(decodeJwt(await signed.access())).toEqual({
      iss: 'cynodeai',
      aud: 'cynodeai:access',
      token_type: 'access',
      sub: id,
      user_id: id,
      handle: 'ada',
      sid: id,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
  });

  it('is the same for the same claims, time and jti, and another one without a jti', async () => {
    const claims = { sub: id, job_id: id, attempt: 1 };
    const options = { lifeMs: 1000, issuedAt: new Date(1_700_000_000_999) };
    const sign = (jti?: string) => tokens.sign('job', { ...claims, jti }, options);
    expect(await sign('claim')).toBe(await sign('claim'));
    expect(await sign()).not.toBe(await sign());
    expect(decodeJwt(await sign())).toMatchObject({ iat: 1_700_000_000, exp: 1_700_000_001 });
  });

  it('is refused once it has expired', async () => {
    const claims = { sub: id, user_id: id, sid: id };
    const issuedAt = new Date(Date.now() - 10_000);
    const expired = await tokens.sign('refresh', claims, { lifeMs: 9_000, issuedAt });
    await expect(tokens.verify('refresh', expired)).rejects.toMatchObject(REFUSED);
    const valid = await tokens.sign('refresh', claims, { lifeMs: 20_000, issuedAt });
    await expect(tokens.verify('refresh', valid)).resolves.toMatchObject({ sid: id });
  });

  it('is refused once it has expired, also when it was found good before', async () => {
    const token = await tokens.sign('service', { sub: 'a' }, { lifeMs: 1_000 });
    await expect(tokens.verify('service', token)).resolves.toMatchObject({ sub: 'a' });
    await expect(tokens.verify('service', token)).resolves.toMatchObject({ sub: 'a' });
    await sleep(2_000);
    await expect(tokens.verify('service', token)).rejects.toMatchObject(REFUSED);
  });

  it('is refused when any character of it was changed', async () => {
    const token = await signed.access();
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom(...'AZaz09-_.'), async (at, char) => {
        // The last character of a signature has bits that mean nothing.
        fc.pre(token[at] !== char && at < token.length - 1);
        const tampered = token.slice(0, at) + char + token.slice(at + 1);
        await expect(tokens.verify('access', tampered)).rejects.toMatchObject(REFUSED);
      }),
    );
  });

  it('is refused when it is anything else, and the refusal says no more than that', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        await expect(tokens.verify('access', text)).rejects.toMatchObject(REFUSED);
      }),
    );
  });

  it('without a signature, or with another algorithm, is refused', async () => {
    const payload = decodeJwt(await signed.access());
    const key = deriveKey(SECRET, 'token:access');
    const forged = [
      new UnsecuredJWT(payload).encode(),
      await new SignJWT(payload).setProtectedHeader({ alg: 'HS512' }).sign(Buffer.concat([key, key])),
      await new SignJWT(payload).setProtectedHeader({ alg: 'HS384' }).sign(Buffer.concat([key, key])),
    ];
    for (const token of forged) await expect(tokens.verify('access', token)).rejects.toMatchObject(REFUSED);
  });

  it('with the right key is still refused with another issuer, audience or shape', async () => {
    const payload = decodeJwt(await signed.access());
    const key = deriveKey(SECRET, 'token:access');
    const sign = (claims: Record<string, unknown>) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(key);
    await expect(tokens.verify('access', await sign(payload))).resolves.toMatchObject({ handle: 'ada' });
    for (const change of [
      { iss: 'other' },
      { aud: 'cynodeai:node' },
      { sub: 'root' },
      { sid: 7 },
      { handle: null },
    ]) {
      await expect(tokens.verify('access', await sign({ ...payload, ...change }))).rejects.toMatchObject(
        REFUSED,
      );
    }
  });

  it('of another master secret is refused', async () => {
    const other = createTokenService(`${SECRET}!`);
    await expect(other.verify('node', await signed.node())).rejects.toMatchObject(REFUSED);
  });
});

describe('derived keys', () => {
  it('are 32 bytes, the same each time, and differ by purpose and by secret', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (secret, purpose, other) => {
        fc.pre(purpose !== other);
        expect(deriveKey(secret, purpose)).toHaveLength(32);
        expect(deriveKey(secret, purpose)).toEqual(deriveKey(secret, purpose));
        expect(deriveKey(secret, purpose)).not.toEqual(deriveKey(secret, other));
        expect(deriveKey(secret, purpose)).not.toEqual(deriveKey(`${secret}.`, purpose));
      }),
    );
  });
});
