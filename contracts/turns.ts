import { z } from 'zod';

/** Channel of Postgres on which the id of a turn is notified whenever there is something new to read of it. */
export const TURN_CHANNEL = 'turn_chunk';

export const TURN_STATUSES = ['pending', 'running', 'answered', 'failed', 'canceled'] as const;
export type TurnStatus = (typeof TURN_STATUSES)[number];

export function isEndedTurn(status: TurnStatus): boolean {
  return status !== 'pending' && status !== 'running';
}

/** What a client may ask of the model's answer; passed on as it is. */
export const answerOptionsSchema = z.object({
  temperature: z.number().optional(),
  top_p: z.number().optional(),
  max_tokens: z.number().int().optional(),
  seed: z.number().int().optional(),
  stop: z.array(z.string()).optional(),
});
export type AnswerOptions = z.infer<typeof answerOptionsSchema>;

export const turnMessageSchema = z.object({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string(),
});
export type TurnMessage = z.infer<typeof turnMessageSchema>;

/** Route of the control plane; the parameter is named as fastify has it, and `::` is a colon. */
export const BEGIN_TURN_ROUTE = '/v1/internal/turns/:id(^[^:/]+)::begin';

/** Path of the internal route that begins an execution of a turn (service token). */
export function beginTurnPath(turnId: string): string {
  return `/v1/internal/turns/${turnId}:begin`;
}

/**
 * Reply of `…:begin`: what to ask and under which fence. `ended`: there is nothing to ask any more, what is stored stands.
 */
export const turnWorkSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ended') }),
  z.object({
    kind: z.literal('ask'),
    epoch: z.number().int().min(1),
    /** Null for the project manager's model. */
    model: z.string().nullable(),
    messages: z.array(turnMessageSchema).min(1),
    options: answerOptionsSchema,
    /** Bearer for the model router; only this execution of the turn may use it. */
    agent_token: z.string(),
  }),
]);
export type TurnWork = z.infer<typeof turnWorkSchema>;
