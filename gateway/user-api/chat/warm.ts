import { PM_MODEL } from '../../../contracts/chat-values.ts';
import { CynodeError } from '../../../contracts/errors.ts';
import { listAvailableModels } from '../../../schema/chat/models.ts';
import type { Database } from '../../../schema/database.ts';
import { inferencePath } from '../../../schema/inference/path.ts';

/**
 * Whether a model answers at once. The project manager's is kept in memory by its workflow, others by their first
 * question, so there is nothing to be done but to say so.
 * @throws CynodeError `model_not_found`
 */
export async function warmModel(
  db: Database,
  requested: string | undefined,
): Promise<{ readonly model: string; readonly state: 'warm' | 'warming' }> {
  const model = requested?.trim() || PM_MODEL;
  if (model === PM_MODEL) {
    const { ready } = await inferencePath(db);
    return { model, state: ready ? 'warm' : 'warming' };
  }
  const found = (await listAvailableModels(db)).find(({ name }) => name === model);
  if (found === undefined)
    throw new CynodeError(
      'model_not_found',
      'No live node has this model; GET /v1/models lists those there are',
    );
  return { model, state: found.loaded ? 'warm' : 'warming' };
}
