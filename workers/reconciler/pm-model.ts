import { PM_MODEL_WORKFLOW_ID } from '../../contracts/pm-model.ts';
import { reselectPmModel } from '../../platform/temporal/pm-model.ts';
import { findChange } from '../../schema/inference/pm-model.ts';
import { workflowState } from './repairs.ts';
import type { RepairDeps } from './repairs.ts';

/** A change that the workflow was told of is not told again before. */
const REPEAT_MS = 10_000;
/** Passes between two looks at the workflow itself. */
const LOOK_EVERY_PASSES = 5;

/** Has the model of the project manager selected again when nodes or settings have changed, or its workflow is gone. */
export function createPmModelRepair(pinnedModel: string | undefined): (deps: RepairDeps) => Promise<void> {
  let told = { change: '', atMs: Number.NEGATIVE_INFINITY };
  let passes = 0;
  return async ({ db, client, logger, repaired }) => {
    const change = await findChange(db, pinnedModel);
    const isNews = change !== null && (change !== told.change || performance.now() - told.atMs > REPEAT_MS);
    if (change !== null && isNews) {
      await reselectPmModel(client);
      told = { change, atMs: performance.now() };
    }
    passes += 1;
    if (isNews || passes % LOOK_EVERY_PASSES !== 0) return;
    if ((await workflowState(client, PM_MODEL_WORKFLOW_ID)) === 'running') return;
    await reselectPmModel(client);
    repaired('pm_model_started');
    logger.info('the workflow of the project manager’s model was started by the reconciler');
  };
}
