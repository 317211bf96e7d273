import type { Migration } from 'kysely/migration';
import * as identity from './20261123t0100-identity.ts';
import * as nodes from './20261123t0200-nodes.ts';
import * as projectsAndTasks from './20261123t0300-projects-and-tasks.ts';
import * as policyAndSettings from './20261123t0400-policy-and-settings.ts';
import * as chat from './20261123t0500-chat.ts';
import * as databaseRoles from './20261123t0600-database-roles.ts';
import * as artifacts from './20261123t0710-artifacts.ts';
import * as ended from './20261123t0720-ended.ts';
import * as inference from './20261123t0800-inference.ts';
import * as nodeInference from './20261123t0805-node-inference.ts';
import * as turns from './20261123t0810-turns.ts';
import * as housekeeping from './20261123t0840-housekeeping.ts';
import * as taskNumbers from './20261123t0850-task-numbers.ts';
import * as turnCounts from './20261123t0900-turn-counts.ts';
import * as nodeReach from './20261123t0925-node-reach.ts';

/** In order; frozen once merged. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '20261123t0100-identity': identity,
  '20261123t0200-nodes': nodes,
  '20261123t0300-projects-and-tasks': projectsAndTasks,
  '20261123t0400-policy-and-settings': policyAndSettings,
  '20261123t0500-chat': chat,
  '20261123t0600-database-roles': databaseRoles,
  '20261123t0710-artifacts': artifacts,
  '20261123t0720-ended': ended,
  '20261123t0800-inference': inference,
  '20261123t0805-node-inference': nodeInference,
  '20261123t0810-turns': turns,
  '20261123t0840-housekeeping': housekeeping,
  '20261123t0850-task-numbers': taskNumbers,
  '20261123t0900-turn-counts': turnCounts,
  '20261123t0925-node-reach': nodeReach,
};
