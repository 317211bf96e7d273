import { prepareTestDocker } from '../engines/docker.ts';
import { suiteSetup } from '../engines/suite.ts';
import { startTestTemporal } from '../engines/temporal.ts';

const setup = suiteSetup('node', [prepareTestDocker, startTestTemporal]);
export { setup as default };
