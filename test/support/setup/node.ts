import { prepareTestDocker } from '../engines/docker.ts';
import { prepareTestOllama } from '../engines/ollama.ts';
import { suiteSetup, together } from '../engines/suite.ts';
import { startTestTemporal } from '../engines/temporal.ts';
import { prepareTestToolsImage } from '../engines/tools-image.ts';

const setup = suiteSetup('node', [
  prepareTestDocker,
  startTestTemporal,
  together(prepareTestOllama, prepareTestToolsImage),
]);
export { setup as default };
