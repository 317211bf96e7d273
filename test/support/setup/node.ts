import { prepareTestDocker } from '../engines/docker.ts';
import { suiteSetup } from '../engines/suite.ts';

const setup = suiteSetup('node', [prepareTestDocker]);
export { setup as default };
