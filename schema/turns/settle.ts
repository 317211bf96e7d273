import { sql } from 'kysely';
import { CynodeError } from '../../contracts/errors.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { isEndedTurn, TURN_CHANNEL } from '../../contracts/turns.ts';
import type { TurnStatus } from '../../contracts/turns.ts';
import { insertMessage } from '../chat/messages.ts';
import type { Database, Transaction } from '../database.ts';
import type { ChatOutcome } from '../tables/turns.ts';

/**
 * Ends a turn of a chat: the answer becomes a message, a turn without one fails with `code`, and the audit says so; all in
 * one transaction. Safe to repeat; what is stored stands.
 */
export function settleTurn(db: Database, turnId: string, code: ErrorCode): Promise<TurnStatus> {
  return db.transaction().execute((tx) => settle(tx, turnId, code));
}

/**
 * As `settleTurn`, for a turn whose workflow is gone.
 * @returns null when the turn had been settled before, so that nothing was amiss
 */
export function abandonTurn(db: Database, turnId: string): Promise<TurnStatus | null> {
  return db.transaction().execute(async (tx) => {
    const { settled_at } = await lockTurn(tx, turnId);
    return settled_at === null ? settle(tx, turnId, 'workflow_gone') : null;
  });
}

/** @throws CynodeError `not_found` */
export async function settle(tx: Transaction, turnId: string, code: ErrorCode): Promise<TurnStatus> {
  const turn = await lockTurn(tx, turnId);
  if (turn.settled_at !== null) return turn.status;
  if (!isEndedTurn(turn.status)) await failTurn(tx, turnId, code);
  const status = isEndedTurn(turn.status) ? turn.status : statusOf(code);
  if (turn.kind === 'chat') {
    await storeAnswer(tx, turn);
    await audit(tx, turnId);
  }
  await sql`update turns set settled_at = clock_timestamp() where id = ${turnId}`.execute(tx);
  await sql`select pg_notify(${TURN_CHANNEL}, ${turnId})`.execute(tx);
  return status;
}

function lockTurn(tx: Transaction, turnId: string) {
  return tx
    .selectFrom('turns')
    .select(['id', 'kind', 'thread_id', 'status', 'text', 'settled_at'])
    .where('id', '=', turnId)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow(() => new CynodeError('not_found', 'no such turn'));
}

type LockedTurn = Awaited<ReturnType<typeof lockTurn>>;

function statusOf(code: ErrorCode): TurnStatus {
  return code === 'cancel_requested' ? 'canceled' : 'failed';
}

async function failTurn(tx: Transaction, turnId: string, code: ErrorCode): Promise<void> {
  await tx
    .updateTable('turns')
    .set({ status: statusOf(code), error_code: code, ended_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', turnId)
    .execute();
}

/** The answer's message has the id of its turn, so that there is only one. */
async function storeAnswer(tx: Transaction, { id, thread_id, status, text }: LockedTurn): Promise<void> {
  if (status !== 'answered' || thread_id === null || text === null) return;
  await insertMessage(tx, { id, threadId: thread_id, role: 'assistant', content: text });
}

const OUTCOMES: Readonly<Record<string, ChatOutcome>> = {
  cancel_requested: 'canceled',
  inference_timeout: 'timeout',
};

async function audit(tx: Transaction, turnId: string): Promise<void> {
  const turn = await tx
    .selectFrom('turns')
    .innerJoin('chat_threads', 'chat_threads.id', 'turns.thread_id')
    .select([
      'turns.user_id',
      'chat_threads.project_id',
      'turns.status',
      'turns.error_code',
      'turns.request_id',
    ])
    .select(['turns.redaction_kinds'])
    .select(
      sql<number>`greatest(0, extract(epoch from clock_timestamp() - turns.created_at) * 1000)::int`.as(
        'duration_ms',
      ),
    )
    .where('turns.id', '=', turnId)
    .executeTakeFirstOrThrow();
  await tx
    .insertInto('chat_audit_log')
    .values({
      id: turnId,
      user_id: turn.user_id,
      project_id: turn.project_id,
      outcome: turn.status === 'answered' ? 'success' : (OUTCOMES[turn.error_code ?? ''] ?? 'error'),
      error_code: turn.error_code,
      redaction_applied: turn.redaction_kinds !== null,
      redaction_kinds: turn.redaction_kinds === null ? null : JSON.stringify(turn.redaction_kinds),
      duration_ms: turn.duration_ms,
      request_id: turn.request_id,
    })
    .execute();
}
