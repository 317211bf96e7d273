import { userSchema } from '../../../contracts/auth.ts';
import { PATHS } from '../../../contracts/paths.ts';
import { systemHealthSchema, type HealthCheck } from '../../../contracts/system.ts';
import type { Context } from '../../context.ts';
import { CliError, EXIT, GatewayError, InterruptedError, messageOf } from '../../errors.ts';
import { checkLines } from '../../render/checks.ts';
import { toText } from '../../render/fields.ts';
import { parseReply } from '../../reply.ts';
import { VERSION } from '../../version.ts';

const NO_MODEL = /^no inference path/;

/** `doctor`: what can be looked at, one after the other; 1 when anything is wrong. */
export async function doctor(context: Context): Promise<number> {
  const checks = await examine(context);
  const well = checks.every(({ status }) => status !== 'fail');
  await context.out.result({ ok: well, checks }, () => toText(checkLines(checks)));
  return well ? EXIT.ok : EXIT.taskFailed;
}

/** Without the gateway nothing else can be asked, without a session only whether it is ready. */
async function examine(context: Context): Promise<readonly HealthCheck[]> {
  const gateway = await checkGateway(context);
  if (gateway.status === 'fail') return [gateway];
  const ready = await checkReady(context);
  const login = await checkLogin(context);
  const seen = [gateway, ready, login];
  return login.status === 'fail' ? seen : [...seen, ...(await askGateway(context))];
}

async function checkGateway({ http }: Context): Promise<HealthCheck> {
  const name = 'gateway';
  try {
    const reply = await http.send({ method: 'GET', path: PATHS.healthz });
    if (reply.status === 200 && reply.text.toLowerCase().includes('ok'))
      return { name, status: 'ok', detail: `answers at ${http.gatewayUrl}` };
    return {
      name,
      status: 'fail',
      detail: `${http.gatewayUrl} answers, but is not a CyNodeAI gateway`,
      advice: 'Check gateway_url in the config, or CYNORK_GATEWAY_URL.',
    };
  } catch (error) {
    return failed(name, error, 'Start it with ./dev up, or set CYNORK_GATEWAY_URL.');
  }
}

async function checkReady({ http }: Context): Promise<HealthCheck> {
  const name = 'ready';
  try {
    const reply = await http.send({ method: 'GET', path: PATHS.readyz });
    const reason = reply.text.trim();
    if (reply.status === 200) return { name, status: 'ok', detail: 'takes all kinds of tasks' };
    if (NO_MODEL.test(reason))
      return {
        name,
        status: 'warn',
        detail: reason,
        advice: 'Text tasks wait for a model; script and command tasks work.',
      };
    return {
      name,
      status: 'fail',
      detail: reason,
      advice: 'Look at the log of the user-api role (./dev logs).',
    };
  } catch (error) {
    return failed(name, error, 'Try again.');
  }
}

async function checkLogin(context: Context): Promise<HealthCheck> {
  const name = 'login';
  try {
    const session = await context.session();
    const me = parseReply(userSchema, await session.send({ method: 'GET', path: PATHS.me }));
    return { name, status: 'ok', detail: `logged in as ${me.handle}` };
  } catch (error) {
    return failed(name, error, 'Run `cynork auth login`.');
  }
}

async function askGateway(context: Context): Promise<readonly HealthCheck[]> {
  const name = 'system';
  try {
    const session = await context.session();
    const reply = await session.send({ method: 'GET', path: PATHS.systemHealth });
    const { version, checks } = parseReply(systemHealthSchema, reply);
    return [checkVersion(version), ...checks];
  } catch (error) {
    if (error instanceof GatewayError && error.status === 403) {
      const detail = 'only an administrator sees database, Temporal and nodes';
      return [{ name, status: 'warn', detail, advice: 'Log in as one: `cynork auth login --user admin`.' }];
    }
    return [failed(name, error, 'Look at the log of the user-api role (./dev logs).')];
  }
}

function checkVersion(version: string): HealthCheck {
  if (version === VERSION) return { name: 'version', status: 'ok', detail: `client and gateway ${VERSION}` };
  return {
    name: 'version',
    status: 'warn',
    detail: `client ${VERSION}, gateway ${version}`,
    advice: 'Use the cynork of the same version.',
  };
}

function failed(name: string, error: unknown, advice: string): HealthCheck {
  if (error instanceof InterruptedError) throw error;
  const hint = error instanceof CliError ? error.hint : undefined;
  return { name, status: 'fail', detail: messageOf(error), advice: hint ?? advice };
}
