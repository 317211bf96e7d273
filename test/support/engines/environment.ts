/**
 * What a suite's global set-up tells its tests: addresses of the engines it started, by environment variables, because
 * Jest's workers inherit nothing else.
 */
const VARIABLES = {
  /** Folder of this run, removed with everything in it at the end. */
  stateFolder: 'CYNODEAI_TEST_STATE_DIR',
  /** Names of nodes that tests make start with this; containers of such nodes are removed at the end. */
  nodePrefix: 'CYNODEAI_TEST_NODE_PREFIX',
  postgresUrl: 'CYNODEAI_TEST_POSTGRES_URL',
  postgresTemplate: 'CYNODEAI_TEST_POSTGRES_TEMPLATE',
  ownerPassword: 'CYNODEAI_TEST_OWNER_PASSWORD',
  appPassword: 'CYNODEAI_TEST_APP_PASSWORD',
  /** Set by whoever starts the suite: `postgres`, or `file` (the usual). */
  temporalKind: 'CYNODEAI_TEST_TEMPORAL',
  temporalAddress: 'CYNODEAI_TEST_TEMPORAL_ADDRESS',
  temporalNamespace: 'CYNODEAI_TEST_TEMPORAL_NAMESPACE',
  temporalCli: 'CYNODEAI_TEST_TEMPORAL_CLI',
  dockerHost: 'CYNODEAI_TEST_DOCKER_HOST',
  sandboxImage: 'CYNODEAI_TEST_SANDBOX_IMAGE',
  toolsImage: 'CYNODEAI_TEST_TOOLS_IMAGE',
  ollamaProgram: 'CYNODEAI_TEST_OLLAMA_PROGRAM',
  tinyModelFile: 'CYNODEAI_TEST_TINY_MODEL_FILE',
} as const;

export type TestSetting = keyof typeof VARIABLES;

/** The value where there is one. */
export function optionalTestSetting(setting: TestSetting): string | undefined {
  return process.env[VARIABLES[setting]];
}

/** The value that global set-up gave; throws when this suite's set-up does not start that engine. */
export function testSetting(setting: TestSetting): string {
  const value = optionalTestSetting(setting);
  if (value === undefined) {
    throw new Error(
      `${VARIABLES[setting]} is not set: this suite's global set-up does not start that engine`,
    );
  }
  return value;
}

/** For global set-up only. */
export function publishTestSetting(setting: TestSetting, value: string): void {
  process.env[VARIABLES[setting]] = value;
}
