import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { PATHS } from '../../contracts/paths.ts';
import type { Context } from '../context.ts';
import { CliError, EXIT } from '../errors.ts';
import { examples } from '../help.ts';
import { printable } from '../render/fields.ts';
import { toGatewayError } from '../reply.ts';
import type { Runtime } from '../runtime.ts';

export function addStatusCommand(program: CommandUnknownOpts, runtime: Runtime): void {
  program
    .command('status')
    .description('say whether the gateway answers and a model is ready; needs no login')
    .addHelpText(
      'after',
      examples('cynork status', 'CYNORK_GATEWAY_URL=https://cynode.example.org cynork status -o json'),
    )
    .action((_options, command) => runtime.run(command, showStatus));
}

async function showStatus({ http, out }: Context): Promise<void> {
  const reply = await http.send({ method: 'GET', path: PATHS.healthz });
  if (reply.status >= 400) throw toGatewayError(reply);
  if (!reply.text.toLowerCase().includes('ok')) {
    throw new CliError(EXIT.remote, `${http.gatewayUrl} answers, but is not a CyNodeAI gateway`, {
      hint: 'Check gateway_url in the config, or CYNORK_GATEWAY_URL.',
    });
  }
  const ready = await http.send({ method: 'GET', path: PATHS.readyz });
  const reason = ready.status === 200 ? undefined : printable(ready.text);
  await out.result({ gateway: 'ok', ready: reason === undefined, reason }, () => 'ok\n');
  if (reason !== undefined) await out.talk(`Not ready: ${reason}`);
}
