import type { TurnStatus } from '../../contracts/turns.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { Database } from '../database.ts';

export interface TurnState {
  readonly id: string;
  readonly epoch: number;
  readonly status: TurnStatus;
  readonly error_code: string | null;
  readonly text: string | null;
  readonly finish_reason: string | null;
  readonly prompt_tokens: number | null;
  readonly completion_tokens: number | null;
  readonly created_at: Date;
  /** How often no node had room for it. */
  readonly refusals: number;
  /** Set when message and audit are stored too. */
  readonly settled_at: Date | null;
}

/** @throws CynodeError `not_found` */
export function readTurn(db: Database, turnId: string): Promise<TurnState> {
  return db
    .selectFrom('turns')
    .select(['id', 'epoch', 'status', 'error_code', 'text', 'finish_reason'])
    .select(['prompt_tokens', 'completion_tokens', 'created_at', 'refusals', 'settled_at'])
    .where('id', '=', turnId)
    .executeTakeFirstOrThrow(() => new CynodeError('not_found', 'no such turn'));
}

export interface TurnChunk {
  readonly seq: number;
  readonly text: string;
}

/** What an execution of a turn has brought after `afterSeq`, in order. */
export function readChunks(
  db: Database,
  from: { readonly turnId: string; readonly epoch: number; readonly afterSeq: number },
): Promise<readonly TurnChunk[]> {
  return db
    .selectFrom('turn_chunks')
    .select(['seq', 'text'])
    .where('turn_id', '=', from.turnId)
    .where('epoch', '=', from.epoch)
    .where('seq', '>', from.afterSeq)
    .orderBy('seq')
    .execute();
}
