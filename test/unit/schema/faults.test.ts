import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { openDatabase } from '../../../schema/database.ts';
import { brokenUniqueConstraint, isDatabaseAway, isTransient } from '../../../schema/faults.ts';

const databaseError = (code: string): pg.DatabaseError =>
  Object.assign(new pg.DatabaseError('refused', 0, 'error'), { code, constraint: 'users_handle_key' });

describe('faults of the database', () => {
  it('mean away when nobody listens', async () => {
    const url = 'postgres://nobody@127.0.0.1:1/nothing';
    await using database = openDatabase({ url, poolSize: 1, onIdleError: () => undefined });
    const asked = database.db.selectFrom('nodes').select('id').execute();
    const error: unknown = await asked.catch((cause: unknown) => cause);
    expect(isDatabaseAway(error)).toBe(true);
  });

  it.each(['08006', '53300', '57P01', '57P03', '57014', '55P03', '25P03', '40P01'])(
    'mean away with SQLSTATE %s',
    (code) => {
      expect(isDatabaseAway(databaseError(code))).toBe(true);
    },
  );

  it.each(['23505', '42P01'])('do not mean away with SQLSTATE %s', (code) => {
    expect(isDatabaseAway(databaseError(code))).toBe(false);
  });

  it('mean away when the pool has no connection in time or one breaks', () => {
    expect(isDatabaseAway(new Error('timeout exceeded when trying to connect'))).toBe(true);
    expect(isDatabaseAway(new Error('Connection terminated unexpectedly'))).toBe(true);
    expect(isDatabaseAway(new Error('something else'))).toBe(false);
    expect(isDatabaseAway('text')).toBe(false);
  });

  it('name the unique constraint that was broken, and tell what may succeed when it is run again', () => {
    expect(brokenUniqueConstraint(databaseError('23505'))).toBe('users_handle_key');
    expect(brokenUniqueConstraint(databaseError('40P01'))).toBeNull();
    for (const code of ['40P01', '55P03', '25P03']) expect(isTransient(databaseError(code))).toBe(true);
    for (const code of ['23503', '57014']) expect(isTransient(databaseError(code))).toBe(false);
  });
});
