import type { ColumnType, Generated } from 'kysely';

type Timestamp = ColumnType<Date, Date | undefined, Date>;

export interface UsersTable {
  id: string;
  handle: string;
  email: string | null;
  is_active: Generated<boolean>;
  /** How many tasks the user has made so far. */
  tasks_created: Generated<number>;
  created_at: Timestamp;
  updated_at: Timestamp;
}

export interface PasswordCredentialsTable {
  id: string;
  user_id: string;
  password_hash: Buffer;
  hash_alg: string;
  created_at: Timestamp;
  updated_at: Timestamp;
}

export const SESSION_END_REASONS = ['logout', 'revoked', 'reuse', 'disabled', 'password_reset'] as const;
export type SessionEndReason = (typeof SESSION_END_REASONS)[number];

export interface RefreshSessionsTable {
  id: string;
  user_id: string;
  is_active: Generated<boolean>;
  expires_at: Date;
  last_used_at: Date | null;
  ended_reason: SessionEndReason | null;
  created_at: Timestamp;
  updated_at: Timestamp;
}

export interface RefreshTokensTable {
  token_hash: Buffer;
  session_id: string;
  jti: string;
  issued_at: Date;
  expires_at: Date;
  used_at: Date | null;
  used_by: string | null;
  successor_jti: string | null;
  successor_issued_at: Date | null;
}

export interface AuthAuditLogTable {
  id: string;
  event_type: string;
  user_id: string | null;
  subject_handle: string | null;
  success: boolean;
  ip_address: string | null;
  user_agent: string | null;
  reason: string | null;
  created_at: Timestamp;
}

export interface RolesTable {
  id: string;
  name: string;
}

export interface RoleBindingsTable {
  id: string;
  subject_type: 'user' | 'group';
  subject_id: string;
  role_id: string;
  scope_type: 'system' | 'project';
  scope_id: string | null;
  is_active: Generated<boolean>;
}
