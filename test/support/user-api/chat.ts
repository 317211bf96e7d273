import { eventually } from '../wait.ts';
import type { Reply, TestUser, UserApiHarness } from './harness.ts';

export const COMPLETIONS = '/v1/chat/completions';

/** Asks a question as a client of OpenAI does. */
export function askModel(user: TestUser, content: unknown, more: object = {}): Promise<Reply> {
  const body = { messages: [{ role: 'user', content }], ...more };
  return user.call({ method: 'POST', url: COMPLETIONS, body });
}

/** The turn that was started as number `count`, when it is. */
export async function turnAsked({ calls }: UserApiHarness, count: number): Promise<string> {
  await eventually('the turn is started', async () => calls.turnsStarted.length >= count, { everyMs: 5 });
  return calls.turnsStarted[count - 1] ?? '';
}
