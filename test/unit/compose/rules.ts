import { defaultsOf } from './compose-file.ts';
import type { ComposeFile, Service } from './compose-file.ts';

/** Null when the service obeys, else what is wrong. */
export type Rule = (service: Service, name: string, file: ComposeFile) => string | null;

const fail = (isWrong: boolean, text: string): string | null => (isWrong ? text : null);

/** Users of images of ours, whose Dockerfile ends with one. */
const OWN_IMAGE_USER = '10001';
const SECRET_NAME = /(PASSWORD|SECRET|PSK|TOKEN|DATABASE_URL|_PWD|API_KEY)/;
const ONE_SHOT = 'no';

export const RULES: Readonly<Record<string, Rule>> = {
  'names a version of its image': ({ image }) =>
    fail(!/:[\w.-]*\d[\w.-]*$/.test(defaultsOf(image)) || defaultsOf(image).endsWith(':latest'), image),
  'is not root': (service) => {
    const user = service.user ?? (service.build === undefined ? 'root' : OWN_IMAGE_USER);
    return fail(/^(root|0)(:|$)/.test(user), `runs as ${user}`);
  },
  'may gain no privilege': ({ privileged, cap_drop, cap_add, security_opt }) =>
    fail(
      privileged === true ||
        !cap_drop.includes('ALL') ||
        cap_add.length > 0 ||
        !security_opt.includes('no-new-privileges:true'),
      'has privileges to lose',
    ),
  'has an init process': ({ init }) => fail(init !== true, 'has none'),
  'has a read-only root': ({ read_only }, name) =>
    fail(read_only !== true && name !== 'temporal-ui', 'may write to its image'),
  'is bounded in memory, processors and processes': ({ mem_limit, cpus, pids_limit }) =>
    fail(mem_limit === undefined || cpus === undefined || pids_limit === undefined, 'is not'),
  'asks for no more than one processor where `setup` does not know how many there are': ({ cpus }) =>
    fail(
      Number(defaultsOf(String(cpus))) !== 1,
      `cpus: ${String(cpus)} keeps it from starting on a smaller host`,
    ),
  'rotates its log': ({ logging }) =>
    fail(logging?.options['max-size'] === undefined || logging.options['max-file'] === undefined, 'does not'),
  'says how it is, unless it ends by itself': ({ healthcheck, restart }) =>
    fail(healthcheck === undefined && restart !== ONE_SHOT, 'has no health check'),
  'starts again when it dies, unless it ends by itself': ({ restart }) =>
    fail(!['unless-stopped', ONE_SHOT].includes(restart), `restart: ${restart}`),
  'gets secrets by file': ({ environment }) => {
    const literal = Object.keys(environment).find(
      (variable) => SECRET_NAME.test(variable) && !variable.endsWith('_FILE'),
    );
    return fail(literal !== undefined, `${String(literal)} is in its environment`);
  },
  'is given the secrets that its files name, and no others that it could lose': (
    { environment, secrets },
    _name,
    file,
  ) => {
    const named = Object.values(environment)
      .map(String)
      .flatMap((value) => /^\/run\/secrets\/(.+)$/.exec(value)?.[1] ?? []);
    const missing = named.find((secret) => !secrets.includes(secret));
    const unknown = secrets.find((secret) => !Object.hasOwn(file.secrets, secret));
    return fail(missing !== undefined || unknown !== undefined, `${String(missing ?? unknown)} is missing`);
  },
  'is published to this host only': ({ ports }) =>
    fail(!ports.every((port) => defaultsOf(port).startsWith('127.0.0.1:')), ports.join(', ')),
  'is reachable from the host only by a network that may be left': ({ ports, networks }, _name, file) =>
    fail(
      ports.length > 0 && networks.every((network) => file.networks[network]?.internal === true),
      'publishes a port into nowhere',
    ),
  'waits for what is healthy or done': ({ depends_on }, _name, file) => {
    const wrong = Object.entries(depends_on).find(([other, { condition }]) => {
      const needed = file.services[other];
      if (needed === undefined) return true;
      return (
        condition !== (needed.restart === ONE_SHOT ? 'service_completed_successfully' : 'service_healthy')
      );
    });
    return fail(wrong !== undefined, `does not wait for ${String(wrong?.[0])}`);
  },
  'waits only for what is started with it': ({ depends_on, profiles }, _name, file) => {
    const absent = Object.keys(depends_on).find((other) => {
      const needed = file.services[other]?.profiles ?? [];
      const always = needed.length === 0;
      return !always && (profiles.length === 0 || !profiles.every((profile) => needed.includes(profile)));
    });
    return fail(absent !== undefined, `waits for ${String(absent)}, which may not be started`);
  },
};
