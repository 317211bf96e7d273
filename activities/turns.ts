import type { TurnActivities } from '../contracts/turn-activities.ts';
import type { Logger } from '../platform/logger.ts';
import type { Database } from '../schema/database.ts';
import { leftOfTurn } from '../schema/turns/begin.ts';
import { settleTurn } from '../schema/turns/settle.ts';
import { withFixedFailures } from './failures.ts';

/** The short database steps of a chat's turn. Each is safe to repeat. */
export function createTurnActivities({
  db,
  logger,
}: {
  readonly db: Database;
  readonly logger: Logger;
}): TurnActivities {
  return {
    openTurn: ({ turnId }) =>
      withFixedFailures(logger, 'openTurn', { turnId }, async () => ({
        leftMs: await leftOfTurn(db, turnId),
      })),
    closeTurn: ({ turnId, code }) =>
      withFixedFailures(logger, 'closeTurn', { turnId }, async () => ({
        status: await settleTurn(db, turnId, code),
      })),
  };
}
