import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { Transport } from '../../contracts/activities.ts';
import type { CapabilityReport, ConfigAck, NodeConfigSettings, NodeStatus } from '../../contracts/nodes.ts';

type Timestamp = ColumnType<Date, Date | undefined, Date>;

export interface NodesTable {
  id: string;
  node_slug: string;
  name: string | null;
  status: Generated<NodeStatus>;
  is_enabled: Generated<boolean>;
  incarnation: Generated<number>;
  instance_id: string | null;
  transport: Generated<Transport>;
  lease_held: Generated<boolean>;
  max_concurrency: Generated<number>;
  labels: Generated<string[]>;
  load1: number | null;
  ram_available_mb: number | null;
  running_jobs: number | null;
  clock_ahead_ms: number | null;
  config_version: string;
  config_settings: JSONColumnType<NodeConfigSettings, string | undefined>;
  config_ack_version: string | null;
  config_ack_at: Date | null;
  config_ack_status: ConfigAck['status'] | null;
  config_ack_error: string | null;
  worker_api_target_url: string | null;
  worker_token_ciphertext: Buffer;
  worker_token_kid: string;
  capability_hash: string | null;
  last_seen_at: Date | null;
  last_capability_at: Date | null;
  created_at: Timestamp;
  updated_at: Timestamp;
}

export interface NodeCapabilitiesTable {
  id: string;
  node_id: string;
  reported_at: Timestamp;
  capability_hash: string;
  capability_snapshot: JSONColumnType<CapabilityReport>;
}
