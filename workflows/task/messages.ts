import { defineSignal } from '@temporalio/workflow';
import { SIGNAL } from '../../contracts/temporal.ts';

/** A waiting job of the task was placed: ask placement again. */
export const capacitySignal = defineSignal(SIGNAL.capacity);
