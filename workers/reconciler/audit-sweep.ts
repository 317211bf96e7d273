import type { Database } from '../../schema/database.ts';
import { sweepAuditLogs } from '../../schema/audit-retention.ts';
import type { Logger } from '../../platform/logger.ts';

/** Rows of each table that one pass removes: small transactions, and still millions of rows a day. */
const BATCH = 10_000;

/** The reconciler's repair that keeps the audit logs for `days` days; 0 keeps them for ever. */
export function createAuditSweep(
  days: number,
): (deps: { readonly db: Database; readonly logger: Logger }) => Promise<void> {
  return async ({ db, logger }) => {
    if (days === 0) return;
    const removed = await sweepAuditLogs(db, days, BATCH);
    if (removed > 0) logger.info({ removed, days }, 'old rows of the audit logs were removed');
  };
}
