import { LOOPBACK } from './database.ts';
import { temporalAddress } from './temporal-operator.ts';

/** The parts of Temporal's server. */
export const SERVICES = ['frontend', 'history', 'matching', 'worker'] as const;

/** Ports of the parts among themselves; the frontend's `rpc` is replaced by the one that clients know. */
export type ServicePorts = Record<(typeof SERVICES)[number], { rpc: number; membership: number }>;

const SHARDS = 4;
const CLUSTER = 'active';

/** Connections of each of the four parts: together they stay well below what our Postgres takes. */
const CONNECTIONS = { default: 16, visibility: 4 };

/** Configuration of Temporal's server, all parts in one process, on loopback, without authorisation. */
export function serverConfig(options: {
  port: number;
  servicePorts: ServicePorts;
  postgres: { port: number; user: string; password: string };
  dynamicConfigFile: string;
}): object {
  const { port, servicePorts, postgres } = options;
  const datastore = (databaseName: string, maxConns: number): object => ({
    sql: {
      pluginName: 'postgres12',
      databaseName,
      connectAddr: temporalAddress(postgres.port),
      connectProtocol: 'tcp',
      user: postgres.user,
      password: postgres.password,
      maxConns,
      maxIdleConns: maxConns,
      maxConnLifetime: '1h',
    },
  });
  const service = (name: keyof ServicePorts): object => ({
    rpc: {
      grpcPort: name === 'frontend' ? port : servicePorts[name].rpc,
      membershipPort: servicePorts[name].membership,
      bindOnIP: LOOPBACK,
    },
  });
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: SHARDS,
      datastores: {
        default: datastore('temporal', CONNECTIONS.default),
        visibility: datastore('temporal_visibility', CONNECTIONS.visibility),
      },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: LOOPBACK } },
    services: Object.fromEntries(SERVICES.map((name) => [name, service(name)])),
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: CLUSTER,
      currentClusterName: CLUSTER,
      clusterInformation: {
        [CLUSTER]: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: temporalAddress(port),
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: options.dynamicConfigFile, pollInterval: '60s' },
  };
}
