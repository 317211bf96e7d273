import { prepareTestDocker } from '../engines/docker.ts';
import { prepareTestOllama } from '../engines/ollama.ts';
import { startTestPostgres } from '../engines/postgres.ts';
import { suiteSetup } from '../engines/suite.ts';
import { startTestTemporal } from '../engines/temporal.ts';

const setup = suiteSetup('e2e', [prepareTestDocker, startTestPostgres, startTestTemporal, prepareTestOllama]);
export { setup as default };
