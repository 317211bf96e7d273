import { expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { INCARNATION_ENDED } from '../../../schema/jobs/incarnations.ts';
import { findUnheardEnds } from '../../../schema/reconcile.ts';
import { useJobs } from './jobs.ts';

const jobs = useJobs();

it('ends that nobody has heard of are told lost ones first, then the oldest', async () => {
  const [late, early] = [await jobs.begun(), await jobs.begun()];
  const end = (jobId: string, state: 'completed' | 'lost', seconds: number) =>
    sql`update job_attempts set state = ${state}, ended_at = now() - make_interval(secs => ${seconds}::float8),
      end_reason = ${state === 'lost' ? INCARNATION_ENDED : 'completed'} where job_id = ${jobId}`.execute(
      jobs.db(),
    );
  const first = async (): Promise<unknown> => (await findUnheardEnds(jobs.db(), 1))[0]?.jobId;
  for (const [one, other] of [
    [late.jobIds[0], early.jobIds[0]],
    [early.jobIds[0], late.jobIds[0]],
  ] as const) {
    await end(one, 'completed', 5);
    await end(other, 'completed', 12);
    expect(await first()).toBe(other);
    await end(one, 'lost', 5);
    expect(await first()).toBe(one);
  }
});
