import { sql } from 'kysely';
import { CynodeError } from '../../contracts/errors.ts';
import { TURN_CHANNEL } from '../../contracts/turns.ts';
import type { Database } from '../database.ts';

/** An execution of a turn. Only the latest one of a turn that is still open may write. */
export interface TurnFence {
  readonly turnId: string;
  readonly epoch: number;
}

export interface TurnAnswer {
  readonly text: string;
  readonly finishReason: string;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
}

/**
 * Adds a piece of what the model says, numbered from 1, and tells those who read.
 * @throws CynodeError `turn_superseded`
 */
export async function appendChunk(
  db: Database,
  { turnId, epoch }: TurnFence,
  seq: number,
  text: string,
): Promise<void> {
  const { rows } = await sql`
    with fence as (
      select id from turns where id = ${turnId} and epoch = ${epoch} and status = 'running' for no key update
    ), added as (
      insert into turn_chunks (turn_id, epoch, seq, text)
      select id, ${epoch}::integer, ${seq}::integer, ${storable(text)} from fence
    )
    select pg_notify(${TURN_CHANNEL}, id::text) from fence
  `.execute(db);
  if (rows.length === 0) throw superseded();
}

/** No node had room for the turn of a chat; who reads it is told why nothing comes. Prompts of tasks wait as jobs do. */
export async function noteBusy(db: Database, { turnId, epoch }: TurnFence): Promise<void> {
  await sql`
    with noted as (
      update turns set refusals = refusals + 1
      where id = ${turnId} and epoch = ${epoch} and status = 'running' and kind = 'chat'
      returning id
    )
    select pg_notify(${TURN_CHANNEL}, id::text) from noted
  `.execute(db);
}

/** The turn is answered; what follows from that is stored when it is settled. @throws CynodeError `turn_superseded` */
export async function answerTurn(
  db: Database,
  { turnId, epoch }: TurnFence,
  answer: TurnAnswer,
): Promise<void> {
  const { rows } = await sql`
    with answered as (
      update turns set status = 'answered', text = ${storable(answer.text)}, finish_reason = ${answer.finishReason},
        prompt_tokens = ${answer.promptTokens}, completion_tokens = ${answer.completionTokens},
        ended_at = clock_timestamp()
      where id = ${turnId} and epoch = ${epoch} and status = 'running'
      returning id
    )
    select pg_notify(${TURN_CHANNEL}, id::text) from answered
  `.execute(db);
  if (rows.length === 0) throw superseded();
}

/** Postgres holds no NUL in a text. */
function storable(text: string): string {
  return text.replaceAll('\0', '');
}

function superseded(): CynodeError {
  return new CynodeError('turn_superseded', 'A newer execution of the turn has begun, or the turn has ended');
}
