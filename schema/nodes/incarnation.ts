/** What is stored of a node when an agent registers under its slug. */
export interface KnownAgent {
  readonly incarnation: number;
  /** Null for a node without an agent of ours (upstream's node-manager). */
  readonly instanceId: string | null;
  /** The agent holds the node's lease and was heard of within the heartbeat timeout. */
  readonly leaseIsLive: boolean;
}

/** The registering agent; null for upstream's node-manager, which has no incarnations. */
export type RegisteringAgent = {
  readonly instanceId: string;
  /** Set when the process asks for a new token within its incarnation. */
  readonly incarnation: number | undefined;
} | null;

export type RegistrationDecision =
  /** The same process renews its token: nothing else changes. */
  | { readonly kind: 'renew' }
  /** Another live agent holds the slug. */
  | { readonly kind: 'twin' }
  /** The agent was replaced by a newer registration and shall not come back by a renewal. */
  | { readonly kind: 'replaced' }
  /** The node gets this incarnation; a higher one than before ends the attempts of the older ones. */
  | { readonly kind: 'register'; readonly incarnation: number };

/** Decides about a registration under a slug that is known (design §4 "Node"). */
export function decideRegistration(known: KnownAgent, agent: RegisteringAgent): RegistrationDecision {
  const sameInstance = known.instanceId === (agent?.instanceId ?? null);
  if (known.instanceId !== null && !sameInstance && known.leaseIsLive) return { kind: 'twin' };
  if (agent === null) {
    return { kind: 'register', incarnation: known.incarnation + (sameInstance ? 0 : 1) };
  }
  return decideForAgent(known.incarnation, agent.incarnation, sameInstance);
}

function decideForAgent(
  known: number,
  claimed: number | undefined,
  sameInstance: boolean,
): RegistrationDecision {
  if (claimed === undefined) return { kind: 'register', incarnation: known + 1 };
  // A database put back from a backup may know less than the agent does.
  if (claimed > known) return { kind: 'register', incarnation: claimed + 1 };
  return { kind: sameInstance && claimed === known ? 'renew' : 'replaced' };
}
