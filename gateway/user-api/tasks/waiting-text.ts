import type { WaitingCode } from '../../../contracts/activities.ts';
import type { SlotCounts } from '../../../schema/nodes/queries.ts';

/** Why a job waits, in words for its user. */
export function describeWaiting(code: WaitingCode, slots: SlotCounts): string {
  switch (code) {
    case 'no_node_registered':
      return 'waiting for a node: none is registered yet';
    case 'no_node_active':
      return `waiting for a node: none of the ${count(slots.registered, 'registered node')} can take work now`;
    case 'no_node_capable':
      return `waiting for a node that can run this job: none of ${count(slots.active, 'active node')} can`;
    case 'no_free_slot':
      return `waiting for a free slot: ${describeSlots(slots)}`;
    default:
      return code satisfies never;
  }
}

function describeSlots({ active, total, used }: SlotCounts): string {
  const where = `${count(total, 'slot')} of ${count(active, 'node')}`;
  if (used >= total) return `all ${where} are busy`;
  return `${used} of ${where} are busy`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
