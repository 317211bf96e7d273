import { prepareTestDocker } from '../engines/docker.ts';
import { prepareTestOllama } from '../engines/ollama.ts';
import { suiteSetup } from '../engines/suite.ts';
import { startTestTemporal } from '../engines/temporal.ts';

const setup = suiteSetup('node', [prepareTestDocker, startTestTemporal, prepareTestOllama]);
export { setup as default };
