import { describe, expect, it } from '@jest/globals';
import { answerPatiently } from '../../../agent/chat/answer.ts';
import type { ChatPorts, ModelQuestion } from '../../../agent/chat/answer.ts';
import { CynodeError } from '../../../contracts/errors.ts';

const QUESTION: ModelQuestion = {
  model: null,
  messages: [{ role: 'user', content: 'Hi' }],
  options: {},
  token: 'token',
};

/** Ports whose model says what it is told to, one try after the other. */
function portsWith(...tries: readonly (readonly string[] | Error)[]) {
  const begun: string[] = [];
  let next = 0;
  const ports: ChatPorts = {
    turns: {
      begin: async (turnId) => {
        begun.push(turnId);
        return QUESTION;
      },
    },
    model: {
      ask: async function* () {
        const said = tries[next++] ?? [];
        if (said instanceof Error) throw said;
        yield* said;
      },
    },
    sleep: async () => undefined,
  };
  return { ports, begun };
}

const signal = new AbortController().signal;
const away = new CynodeError('unavailable', 'away');

describe('answering a turn', () => {
  it('reads the answer to its end', async () => {
    const { ports } = portsWith(['ab', 'c']);
    expect(await answerPatiently(ports, 't', signal)).toBe(3);
  });

  it('begins again while the router is away', async () => {
    const { ports, begun } = portsWith(away, away, ['ok']);
    expect(await answerPatiently(ports, 't', signal)).toBe(2);
    expect(begun).toEqual(['t', 't', 't']);
  });

  it('leaves a failure of the model to whoever asked', async () => {
    const { ports, begun } = portsWith(new CynodeError('inference_failed', 'broke'), ['late']);
    await expect(answerPatiently(ports, 't', signal)).rejects.toMatchObject({ code: 'inference_failed' });
    expect(begun).toHaveLength(1);
  });

  it('does not begin again when it is cancelled', async () => {
    const { ports } = portsWith(away, ['late']);
    await expect(answerPatiently(ports, 't', AbortSignal.abort())).rejects.toBe(away);
  });

  it('asks nothing when the turn has ended', async () => {
    const { ports } = portsWith(new Error('must not be asked'));
    const ended = { ...ports, turns: { begin: async () => null } };
    expect(await answerPatiently(ended, 't', signal)).toBeNull();
  });
});
