import { defineSignal } from '@temporalio/workflow';
import { SIGNAL } from '../../contracts/temporal.ts';

/** A new agent process registered; its incarnation. */
export const registeredSignal = defineSignal<[number]>(SIGNAL.registered);
/** The node's configuration changed; the new version. */
export const configChangedSignal = defineSignal<[string]>(SIGNAL.configChanged);
