import { afterAll, beforeAll } from '@jest/globals';
import type { RunResponse } from '../../../contracts/jobs.ts';
import { openDatabase } from '../../../schema/database.ts';
import type { Database } from '../../../schema/database.ts';
import { createTestDatabase } from '../../support/database.ts';

/** A database of its own for the calling test file. */
export function useDatabase(): () => Database {
  let db: Database | undefined;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    const database = stack.use(await createTestDatabase());
    db = stack.use(
      openDatabase({
        url: database.url,
        poolSize: 20,
        onIdleError: () => undefined,
      }),
    ).db;
  });
  afterAll(() => stack.disposeAsync());
  return () => {
    if (db === undefined) throw new Error('the database is there only inside tests');
    return db;
  };
}

export function workerReply(taskId: string, jobId: string, over: Partial<RunResponse> = {}): RunResponse {
  return {
    version: 1,
    task_id: taskId,
    job_id: jobId,
    status: 'completed',
    exit_code: 0,
    stdout: 'hello\n',
    stderr: '',
    started_at: '2026-01-01T00:00:00Z',
    ended_at: '2026-01-01T00:00:01Z',
    truncated: { stdout: false, stderr: false },
    ...over,
  };
}
