import type { WaitingCode } from '../../../contracts/activities.ts';
import { rfc3339 } from '../../../contracts/ids.ts';
import type { SlotCounts } from '../../../schema/nodes/queries.ts';

/** What a reason to wait is told with. */
export interface WaitingFacts {
  readonly slots: SlotCounts;
  /** Why no model is ready; null when one is. */
  readonly noModel: string | null;
}

/** Why a job waits, in words for its user. */
export function describeWaiting(code: WaitingCode, { slots, noModel }: WaitingFacts): string {
  switch (code) {
    case 'no_node_registered':
      return 'waiting for a node: none is registered yet';
    case 'no_node_active':
      return `waiting for a node: ${describeIdle(slots)}`;
    case 'no_node_capable':
      return 'waiting for a node: none of those that can take work can run this job';
    case 'no_node_with_models':
      return 'waiting for a node with models for jobs: no active one says that its Ollama is ready; `cynork nodes get` shows why';
    case 'no_node_takes_attachments':
      return 'waiting for a node: no node can take attachments';
    case 'no_free_slot':
      return `waiting for a free slot: ${describeBusy(slots)}`;
    case 'no_model':
      return noModel === null ? 'waiting for a model: it is ready now' : `waiting for a model: ${noModel}`;
    case 'model_busy':
      return 'waiting for the model: no node could take the question just now; it is asked again by itself';
    default:
      return code satisfies never;
  }
}

/** Why a job waits that had an attempt on a node which nobody can stop. */
export function describeHold(until: Date): string {
  return (
    'waiting: nobody heard how the last attempt ended, and its node cannot be told to stop it; ' +
    `it cannot act any more after ${rfc3339(until)}`
  );
}

function describeIdle({ registered }: SlotCounts): string {
  return registered === 1
    ? 'the registered one cannot take work now'
    : `none of the ${registered} registered ones can take work now`;
}

function describeBusy({ active, total, used }: SlotCounts): string {
  const nodes = `${active} ${active === 1 ? 'node' : 'nodes'}`;
  if (total === 1) return `the only one, of ${nodes}, is busy`;
  if (used >= total) return `all ${total} slots of ${nodes} are busy`;
  return `${used} of ${total} slots of ${nodes} ${used === 1 ? 'is' : 'are'} busy`;
}
