import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { sweepAuditLogs } from '../../../schema/audit-retention.ts';
import { recordAuthEvent, SYSTEM_ORIGIN } from '../../../schema/auth/audit.ts';
import { seedTask, seedUser } from '../../support/seed.ts';
import { useDatabase } from './context.ts';

describe('the retention of audit logs', () => {
  const database = useDatabase();

  it('removes the oldest rows first, so many at a time, and only those past their age', async () => {
    const db = database();
    const { taskId, jobIds } = await seedTask(db, await seedUser(db));
    for (const days of [1, 29, 31, 40, 50]) {
      await recordAuthEvent(db, { type: 'logout', origin: SYSTEM_ORIGIN, handle: `u${days}` });
      await sql`update auth_audit_log set created_at = now() - make_interval(days => ${days}::int)
        where subject_handle = ${`u${days}`}`.execute(db);
      await sql`insert into job_audit_log (id, task_id, job_id, event_type, detail, created_at)
        values (${randomUUID()}, ${taskId}, ${jobIds[0]}, 'attempt_lost', ${`u${days}`},
          now() - make_interval(days => ${days}::int))`.execute(db);
      await sql`insert into inference_calls (id, created_at, agent, model, total_ms, tries, outcome)
        values (${randomUUID()}, now() - make_interval(days => ${days}::int), ${`u${days}`}, 'm', 1, 1, 'answered')`.execute(
        db,
      );
    }
    expect(await sweepAuditLogs(db, 30, 2)).toBe(6);
    expect(await left()).toEqual(['u1', 'u29', 'u31', 'u1', 'u29', 'u31', 'u1', 'u29', 'u31']);
    expect(await sweepAuditLogs(db, 30, 2)).toBe(3);
    expect(await sweepAuditLogs(db, 30, 2)).toBe(0);
    expect(await left()).toEqual(['u1', 'u29', 'u1', 'u29', 'u1', 'u29']);
  });

  async function left(): Promise<(string | null)[]> {
    const logins = await database()
      .selectFrom('auth_audit_log')
      .select('subject_handle')
      .orderBy('created_at', 'desc')
      .execute();
    const jobs = await database()
      .selectFrom('job_audit_log')
      .select('detail')
      .orderBy('created_at', 'desc')
      .execute();
    const calls = await database()
      .selectFrom('inference_calls')
      .select('agent')
      .orderBy('created_at', 'desc')
      .execute();
    return [
      ...logins.map((row) => row.subject_handle),
      ...jobs.map((row) => row.detail),
      ...calls.map((row) => row.agent),
    ];
  }
});
