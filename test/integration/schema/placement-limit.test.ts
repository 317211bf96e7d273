import { expect, it } from '@jest/globals';
import { LEASE } from '../../../contracts/temporal.ts';
import { INCARNATION_ENDED } from '../../../schema/jobs/incarnations.ts';
import { useJobs } from './jobs.ts';

const jobs = useJobs();

it('a job whose last attempt a registration has ended is not placed more often than any other', async () => {
  const task = await jobs.begun();
  await jobs
    .db()
    .updateTable('job_attempts')
    .set({
      number: LEASE.maxPlacements,
      state: 'lost',
      ended_at: new Date(),
      end_reason: INCARNATION_ENDED,
    })
    .where('job_id', '=', task.jobIds[0])
    .execute();
  const { value } = await jobs.advance(task, LEASE.maxPlacements, 'returned');
  expect(value).toMatchObject({ kind: 'settled', jobStatus: 'failed' });
});
