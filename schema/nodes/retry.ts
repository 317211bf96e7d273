import { isTransient } from '../faults.ts';

const TRIES = 4;

/** Runs a whole transaction again when Postgres ended it for the sake of another one. */
export async function retryTransient<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await transaction();
    } catch (error) {
      if (!isTransient(error) || attempt === TRIES) throw error;
    }
  }
}
