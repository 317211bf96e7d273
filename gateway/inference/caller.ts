import type { FastifyRequest } from 'fastify';
import type { TokenService } from '../../platform/crypto/tokens.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { bearerToken } from '../shared/bearer.ts';
import { memberOf, parseJson } from './backends/exchange.ts';
import type { TurnFence } from './turn-records.ts';

/** Who calls the router, and for whom. */
export interface Caller {
  /** Name of the agent, or of the role of a service token. */
  readonly agent: string;
  readonly kind: 'agent' | 'service';
  readonly userId: string | null;
  readonly taskId: string | null;
  readonly threadId: string | null;
  /** The turn that the answer is recorded for. */
  readonly turn: TurnFence | null;
}

const CALLER = 'caller';

/** Every route of this scope needs the token of an agent or of one of our roles, checked before the body is read. */
export function requireCaller(scope: HttpApp, tokens: TokenService): void {
  scope.decorateRequest(CALLER, null);
  scope.addHook('onRequest', async (request) => {
    request.setDecorator(CALLER, await callerOf(tokens, bearerToken(request)));
  });
}

/** For routes behind `requireCaller`. */
export function callerOfRequest(request: FastifyRequest): Caller {
  return request.getDecorator<Caller>(CALLER);
}

/** @throws CynodeError `authentication` */
async function callerOf(tokens: TokenService, token: string): Promise<Caller> {
  if (claimedKind(token) === 'agent') {
    const agent = await tokens.verify('agent', token);
    return {
      agent: agent.sub,
      kind: 'agent',
      userId: agent.user_id,
      taskId: agent.task_id ?? null,
      threadId: agent.thread_id ?? null,
      turn: { turnId: agent.turn_id, epoch: agent.epoch },
    };
  }
  const { sub } = await tokens.verify('service', token);
  return { agent: sub, kind: 'service', userId: null, taskId: null, threadId: null, turn: null };
}

/** What a token says that it is; only its check tells whether that is true. */
function claimedKind(token: string): unknown {
  const claims = parseJson(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  return memberOf(claims, 'token_type');
}
