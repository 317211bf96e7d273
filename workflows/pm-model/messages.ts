import { defineSignal } from '@temporalio/workflow';
import { RESELECT_SIGNAL } from '../../contracts/pm-model.ts';

/** Nodes or settings have changed. */
export const reselectSignal = defineSignal(RESELECT_SIGNAL);
