import { startTestPostgres } from '../engines/postgres.ts';
import { suiteSetup } from '../engines/suite.ts';

const setup = suiteSetup('integration', [startTestPostgres]);
export { setup as default };
