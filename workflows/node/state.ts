/** What the node's workflow carries from run to run. */
export interface NodeState {
  incarnation: number;
  /** Configuration still to be delivered. */
  pendingConfig: string | null;
}

/** Registrations may arrive late or twice; only a newer incarnation counts. */
export function noteRegistration(state: NodeState, incarnation: number): void {
  if (incarnation > state.incarnation) state.incarnation = incarnation;
}

/**
 * After a lease was lost, what is stored counts: a database that was restored or made anew begins again below the
 * incarnation that the workflow knows. A registration that came meanwhile is newer than the answer.
 */
export function adoptStored(state: NodeState, lost: number, stored: number | null): void {
  if (stored !== null && state.incarnation === lost) state.incarnation = stored;
}

/** Pause before the lease is offered again, so that an agent which refuses it at once does not fill the history. */
export function leaseBackoffMs(heldForMs: number): number {
  return heldForMs < 10_000 ? 2_000 : 0;
}
