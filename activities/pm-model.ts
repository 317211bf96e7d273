import type { PmModelActivities } from '../contracts/pm-model.ts';
import type { Logger } from '../platform/logger.ts';
import type { Database } from '../schema/database.ts';
import { selectAndStore, storePmModel, storePmModelFailure } from '../schema/inference/pm-model.ts';
import { withFixedFailures } from './failures.ts';

/** The short database steps of the workflow that keeps the project manager's model ready. Each is safe to repeat. */
export function createPmModelActivities({
  db,
  logger,
  pinnedModel,
}: {
  readonly db: Database;
  readonly logger: Logger;
  /** `INFERENCE_MODEL` */
  readonly pinnedModel: string | undefined;
}): PmModelActivities {
  return {
    selectPmModel: ({ avoid }) =>
      withFixedFailures(logger, 'selectPmModel', {}, () => selectAndStore(db, { pinnedModel, avoid })),
    recordPmModel: ({ model, nodeSlug, contextTokens }) =>
      withFixedFailures(logger, 'recordPmModel', { model, node: nodeSlug }, async () => {
        await storePmModel(db, { model, nodeSlug, contextTokens });
        logger.info({ model, node: nodeSlug }, 'the model of the project manager is ready');
      }),
    recordPmModelFailure: ({ model, nodeSlug, code }) =>
      withFixedFailures(logger, 'recordPmModelFailure', { model, node: nodeSlug }, async () => {
        await storePmModelFailure(db, { model, nodeSlug, code });
        logger.warn({ model, node: nodeSlug, code }, 'the model of the project manager is not ready');
      }),
  };
}
