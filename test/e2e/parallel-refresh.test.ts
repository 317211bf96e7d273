import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack } from '../support/stack/stack.ts';
import type { Stack } from '../support/stack/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ env: { JWT_ACCESS_DURATION: '5s' } });
}, 120_000);
afterAll(async () => stack[Symbol.asyncDispose](), 60_000);

describe('fifty commands at once with an expired access token', () => {
  it('all work, because they refresh one after the other and share what they get', async () => {
    const admin = await stack.admin();
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => admin.run(['auth', 'whoami'])));
    expect(outcomes.map(({ code, stderr }) => `${code} ${stderr}`)).toEqual(outcomes.map(() => '0 '));
    expect((await admin.run(['auth', 'whoami'])).stdout).toMatch(/user=admin/);
  }, 120_000);
});
