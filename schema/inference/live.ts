import { sql } from 'kysely';
import { LEASE } from '../../contracts/temporal.ts';

/** SQL condition over `nodes n`: the node's agent holds its lease and was heard of just now, so its report still holds. */
export const LIVE_NODE = sql<boolean>`(
  n.status = 'active' and n.is_enabled and n.lease_held
  and n.last_seen_at > now() - make_interval(secs => ${LEASE.contactFreshMs / 1000}::float8)
)`;
