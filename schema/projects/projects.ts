import { randomUUID } from 'node:crypto';
import { CynodeError } from '../../contracts/errors.ts';
import type { Transaction } from '../database.ts';

export interface ProjectRef {
  readonly id: string;
  readonly slug: string;
}

/** A project of the user. @throws CynodeError `not_found`, also for somebody else's */
export async function findOwnProject(
  tx: Transaction,
  userId: string,
  projectId: string,
): Promise<ProjectRef> {
  return tx
    .selectFrom('projects')
    .select(['id', 'slug'])
    .where('id', '=', projectId)
    .where('owner_id', '=', userId)
    .executeTakeFirstOrThrow(
      () =>
        new CynodeError(
          'not_found',
          'project_id: you have no such project; leave it out for the default one',
        ),
    );
}

/** The user's default project, made on demand (contract §5.3). Safe when several ask at once. */
export async function ensureDefaultProject(tx: Transaction, userId: string): Promise<ProjectRef> {
  const slug = `default-${userId}`;
  const find = (): Promise<ProjectRef | undefined> =>
    tx.selectFrom('projects').select(['id', 'slug']).where('slug', '=', slug).executeTakeFirst();
  const existing = await find();
  if (existing !== undefined) return existing;
  const made = await tx
    .insertInto('projects')
    .values({ id: randomUUID(), slug, display_name: 'Default Project', owner_id: userId })
    .onConflict((conflict) => conflict.column('slug').doNothing())
    .returning(['id', 'slug'])
    .executeTakeFirst();
  const project = made ?? (await find());
  if (project === undefined) throw new Error('the default project was removed meanwhile');
  return project;
}
