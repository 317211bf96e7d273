import type { ErrorCode } from './errors.ts';
import type { TurnStatus } from './turns.ts';

/** Task queues of the agent worker: chats, somebody waits for each, have places of their own beside tasks. */
export const QUEUE_AGENT = 'agent';
export const QUEUE_AGENT_CHAT = 'agent-chat';

/** Type of the workflow that answers a question of a chat. */
export const TURN_WORKFLOW = 'chatTurnWorkflow';

export function turnWorkflowId(turnId: string): string {
  return `turn-${turnId}`;
}

export interface TurnWorkflowInput {
  readonly turnId: string;
}

/** Short database steps of a chat's turn, run as local activities of the orchestrator worker. All are safe to repeat. */
export interface TurnActivities {
  /** How long the turn may still take, in milliseconds; null when it has ended already. */
  openTurn(input: { readonly turnId: string }): Promise<{ readonly leftMs: number | null }>;
  /** Stores what follows from the end of the turn: its answer as a message, or that it failed with `code`, and the audit. */
  closeTurn(input: {
    readonly turnId: string;
    readonly code: ErrorCode;
  }): Promise<{ readonly status: TurnStatus }>;
}

/** Served by the agent worker. */
export interface AgentActivities {
  /**
   * Has the model answer a turn. The text goes past Temporal, through the model router; each execution takes a rising epoch
   * of the turn, so an older one that still runs is refused. Fails with codes of the error table.
   */
  answerTurn(input: { readonly turnId: string }): Promise<void>;
}

const SECOND_MS = 1000;

/** Time limits of `answerTurn`. */
export const ANSWER = {
  /** The agent worker says this often that it lives. */
  heartbeatMs: 2 * SECOND_MS,
  /** It is taken for dead after this time without a sign. */
  heartbeatTimeoutMs: 10 * SECOND_MS,
  /** Executions of one turn, at most. */
  maxAttempts: 3,
  /** A chat waits so long for a place when every node with the model is busy. */
  busyMs: 120 * SECOND_MS,
} as const;
